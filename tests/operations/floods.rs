//! THREATS §1.U, §1.V: many at once, where the answer is to come back later, or that somebody else was
//! quicker.

use std::time::Duration;

use gatewright::people::account::{self, NewAccount};
use gatewright::record::Trace;
use gatewright::store::{Limits, Purpose, Store, versions};
use gatewright::types::Secret;

use kit::browser::Browser;
use kit::server::{BEGINNING, Database, Server};

/// THREATS DO-01: a storm of sign-ins is told to come back; who wants a token is served meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_sign_ins_fills_its_own_queue_and_nobody_elses() {
    let server = Server::with(|config| {
        config.passwords.queue = 4;
        config.passwords.memory_kib = 19_456;
    })
    .await;
    let service = server.service().await;
    let mut forms = Vec::new();
    for _ in 0..60 {
        let mut browser = Browser::of(&server);
        let place = browser.open("/login").await;
        let typed = [("identifier", "nobody"), ("password", "guess"), ("answer", "sign-in")];
        forms.push(browser.form(&place, &typed));
    }

    let storm: Vec<_> = forms.into_iter().map(|form| tokio::spawn(form.send())).collect();
    for _ in 0..20 {
        server.token_of(&service).await;
    }

    let mut statuses = Vec::new();
    for answer in storm {
        let answer = answer.await.unwrap();
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), "1");
        }
        statuses.push(answer.status);
    }
    assert!(statuses.iter().all(|status| matches!(status, 422 | 429 | 503)), "{statuses:?}");
    assert!(statuses.contains(&503), "the queue is bounded: {statuses:?}");
    assert!(statuses.contains(&422), "and it is served: {statuses:?}");
}

/// THREATS DB-09: replicas and commands that start at once bring the schema up to date once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_open_a_new_database_at_once_all_find_it_ready() {
    let database = Database::make().await;
    let patient = Duration::from_secs(20);
    let limits = Limits { connections: 2, acquire: patient, statement: patient, is_pooled: false };

    let opening: Vec<_> = (0..8)
        .map(|_| {
            let (url, limits) = (Secret::new(database.url.clone()), limits.clone());
            tokio::spawn(async move { Store::open(&url, &limits, Purpose::Migrate).await })
        })
        .collect();

    for opened in opening {
        let store = opened.await.unwrap().unwrap();
        versions::all(&store).await.unwrap();
        store.close().await;
    }
}

/// THREATS DB-11, UI-24: a unique index decides, not a look beforehand.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_who_take_one_name_at_once_one_has_it() {
    let server = Server::start().await;
    let app = server.app().clone();

    let taking: Vec<_> = (0..64)
        .map(|n| {
            let app = app.clone();
            tokio::spawn(async move {
                let trace = Trace::of_command(BEGINNING * 1000);
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

    let mut made = 0;
    for account in taking {
        match account.await.unwrap() {
            Ok(_) => made += 1,
            Err(gatewright::types::Error::Refused(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(made, 1);
}
