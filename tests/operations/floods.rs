//! THREATS §1.U, §1.V: many concurrent requests, of which some must retry later or find that another
//! one was first.

use std::time::Duration;

use gatewright::people::account::{self, NewAccount};
use gatewright::record::Trace;
use gatewright::store::{ConnectionLimits, OpenMode, Store, versions};
use gatewright::types::Secret;

use kit::browser::Browser;
use kit::server::{Database, START_TIME, Server};

/// THREATS DO-01: during a flood of sign-ins, some get 503, and token requests are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_does_not_delay_token_requests() {
    let server = Server::with(|config| {
        config.passwords.queue = 4;
        config.passwords.memory_kib = 19_456;
    })
    .await;
    let service = server.service().await;
    let mut forms = Vec::new();
    for _ in 0..60 {
        let mut browser = Browser::new(&server);
        let page = browser.open("/login").await;
        let fields = [("identifier", "nobody"), ("password", "guess"), ("answer", "sign-in")];
        forms.push(browser.form_request(&page, &fields));
    }

    let storm: Vec<_> = forms.into_iter().map(|form| tokio::spawn(form.send())).collect();
    for _ in 0..20 {
        server.client_credentials_token(&service).await;
    }

    let mut statuses = Vec::new();
    for response in storm {
        let response = response.await.unwrap();
        if response.status == 503 {
            assert_eq!(response.header("retry-after"), "1");
        }
        statuses.push(response.status);
    }
    assert!(statuses.iter().all(|status| matches!(status, 422 | 429 | 503)), "{statuses:?}");
    assert!(statuses.contains(&503), "the queue is bounded: {statuses:?}");
    assert!(statuses.contains(&422), "the queue is processed: {statuses:?}");
}

/// THREATS DB-09: replicas and commands that start at once migrate the schema once.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_starts_on_a_new_database_all_succeed() {
    let database = Database::make().await;
    let timeout = Duration::from_secs(20);
    let limits = ConnectionLimits {
        connections: 2,
        acquire: timeout,
        statement: timeout,
        has_pooler: false,
    };

    let opening: Vec<_> = (0..8)
        .map(|_| {
            let (url, limits) = (Secret::new(database.url.clone()), limits.clone());
            tokio::spawn(async move { Store::open(&url, &limits, OpenMode::Migrate).await })
        })
        .collect();

    for opened in opening {
        let store = opened.await.unwrap().unwrap();
        versions::all(&store).await.unwrap();
        store.close().await;
    }
}

/// THREATS DB-11, UI-24: a unique index decides, not a query beforehand.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_accounts_with_one_name_one_is_created() {
    let server = Server::start().await;
    let app = server.app().clone();

    let taking: Vec<_> = (0..64)
        .map(|n| {
            let app = app.clone();
            tokio::spawn(async move {
                let trace = Trace::of_command(START_TIME * 1000);
                let address = format!("person{n}@example.org");
                let new = NewAccount {
                    username: if n % 2 == 0 { "Ada" } else { "ＡＤＡ" },
                    email: Some(&address),
                    email_verified: false,
                    claims: serde_json::Map::new(),
                    password: None,
                };
                account::create(&app.people(&trace), new).await
            })
        })
        .collect();

    let mut created = 0;
    for account in taking {
        match account.await.unwrap() {
            Ok(_) => created += 1,
            Err(gatewright::types::Error::Refused(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(created, 1);
}
