//! THREATS §4.2: concurrent requests. One statement decides, so one of many concurrent requests wins,
//! and no request that begins after an acknowledgement succeeds as if the change had not happened.

use std::collections::BTreeSet;
use std::time::Instant;

use gatewright::people::account;
use gatewright::record::Trace;
use gatewright::store::sql;

use kit::browser::Browser;
use kit::http::{RequestBuilder, Response};
use kit::server::{Client, Server};

const CONCURRENCY: usize = 64;

/// Sends all of these at once.
async fn send_concurrently(requests: impl IntoIterator<Item = RequestBuilder>) -> Vec<Response> {
    let sent: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
    let mut responses = Vec::with_capacity(sent.len());
    for response in sent {
        responses.push(response.await.unwrap());
    }
    responses
}

/// The refresh tokens of the successful responses; the others must be `invalid_grant`.
#[track_caller]
fn successors(responses: Vec<Response>) -> Vec<String> {
    let mut tokens = Vec::new();
    for response in responses {
        if response.status == 200 {
            tokens.push(response.token("refresh_token"));
        } else {
            response.refused(400, "invalid_grant");
        }
    }
    tokens
}

async fn obtain_refresh_token(server: &Server, scope: &str) -> (Client, String) {
    server.user("ada").await;
    let client = server.web_app().await;
    let token = server.obtain_tokens("ada", &client, scope).await.token("refresh_token");
    (client, token)
}

/// THREATS DB-05, RT-02, X-03: the generation advances by one, and the grant stays valid.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_refreshes_all_get_the_same_successor() {
    let server = Server::start().await;
    let (client, token) = obtain_refresh_token(&server, "openid").await;

    let request = server.refresh_request(&client, &token, "");
    let leaves = successors(send_concurrently((0..CONCURRENCY).map(|_| request.clone())).await);

    assert_eq!(leaves.len(), CONCURRENCY, "a retry by the client does not end the grant");
    assert_eq!(leaves.iter().collect::<BTreeSet<_>>().len(), 1);
    let next = server.refresh(&client, &leaves[0], "").await.ok().token("refresh_token");
    assert_ne!(next, leaves[0]);
}

/// THREATS RT-02, on two replicas.
#[tokio::test(flavor = "multi_thread")]
async fn racing_refreshes_on_two_replicas_advance_one_generation() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let (client, token) = obtain_refresh_token(&server, "openid").await;
    replica.app().confirm().await.unwrap();

    let both = [&server, &replica].map(|one| one.refresh_request(&client, &token, ""));
    let leaves = successors(send_concurrently((0..CONCURRENCY).map(|n| both[n % 2].clone())).await);

    assert_eq!(leaves.len(), CONCURRENCY);
    assert_eq!(leaves.iter().collect::<BTreeSet<_>>().len(), 1);
    replica.refresh(&client, &leaves[0], "").await.ok();
}

/// THREATS X-03: in a race of a replay with the use of the successor, there are never two valid refresh
/// tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_racing_replay_leaves_at_most_one_valid_refresh_token() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    for _ in 0..8 {
        let first = server.obtain_tokens("ada", &client, "openid").await.token("refresh_token");
        let second = server.refresh(&client, &first, "").await.ok().token("refresh_token");
        let both = [&first, &second].map(|token| server.refresh_request(&client, token, ""));

        let responses = send_concurrently((0..16).map(|n| both[n % 2].clone())).await;

        let third: BTreeSet<_> =
            successors(responses).into_iter().filter(|token| *token != second).collect();
        assert!(third.len() <= 1, "{third:?}");
        // The first was used twice and its successor was used, so it is a replay now.
        server.refresh(&client, &first, "").await.refused(400, "invalid_grant");
        for leaf in third {
            server.refresh(&client, &leaf, "").await.refused(400, "invalid_grant");
        }
    }
}

/// THREATS CO-02, DB-05, X-02: one grant is issued; the other redemptions are replays and revoke it.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_redemptions_one_succeeds_and_its_grant_is_revoked() {
    let server = Server::start().await;
    let replica = server.replica().await;
    server.user("ada").await;
    let client = server.web_app().await;
    replica.app().confirm().await.unwrap();
    let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
    let both = [&server, &replica].map(|one| one.redeem_request(&client, &page.parameter("code")));

    let won = successors(send_concurrently((0..CONCURRENCY).map(|n| both[n % 2].clone())).await);

    assert_eq!(won.len(), 1);
    assert!(!server.is_active(&client, &won[0]).await);
    replica.refresh(&client, &won[0], "").await.refused(400, "invalid_grant");
}

/// Repeats the request until `stopped`; returns the start of each request, and its response.
async fn keep_refreshing(
    request: RequestBuilder,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> Vec<(Instant, Response)> {
    let mut responses = Vec::new();
    while !*stopped.borrow() {
        let started_at = Instant::now();
        responses.push((started_at, request.clone().send().await));
    }
    responses
}

/// THREATS: `operation` runs while eight clients refresh. No request that begins after
/// its acknowledgement succeeds, on either replica.
async fn no_refresh_succeeds_after(scope: &str, operation: impl AsyncFn(&Server, &Client, &str)) {
    let server = Server::start().await;
    let replica = server.replica().await;
    let (client, token) = obtain_refresh_token(&server, scope).await;
    replica.app().confirm().await.unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let one = if n % 2 == 0 { &server } else { &replica };
            tokio::spawn(keep_refreshing(one.refresh_request(&client, &token, ""), stopped.clone()))
        })
        .collect();
    // The others have begun.
    server.refresh(&client, &token, "").await.ok();

    operation(&server, &client, &token).await;
    let acknowledged = Instant::now();
    for one in [&server, &replica] {
        one.refresh(&client, &token, "").await.refused(400, "invalid_grant");
    }
    stop.send(true).unwrap();

    let mut successor = None;
    for task in tasks {
        for (started_at, response) in task.await.unwrap() {
            if response.status == 200 {
                assert!(started_at < acknowledged, "{response:?}");
                successor = Some(response.token("refresh_token"));
            } else {
                response.refused(400, "invalid_grant");
            }
        }
    }
    if let Some(successor) = successor {
        server.refresh(&client, &successor, "").await.refused(400, "invalid_grant");
    }
}

/// THREATS X-04.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_revocation_no_refresh_succeeds() {
    no_refresh_succeeds_after("openid", async |server, client, token| {
        server.post_as(client, "/revoke", &format!("token={token}")).await.ok();
    })
    .await;
}

/// THREATS X-08.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_user_is_disabled_no_refresh_succeeds() {
    no_refresh_succeeds_after("openid offline_access", async |server, _, _| {
        server.disable_user(&create_ada(server).await).await;
    })
    .await;
}

/// THREATS X-05.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_consent_is_withdrawn_no_refresh_succeeds() {
    no_refresh_succeeds_after("openid offline_access", async |server, client, _| {
        server.withdraw_consent(&create_ada(server).await, client).await;
    })
    .await;
}

/// THREATS X-08.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_session_is_ended_no_refresh_succeeds() {
    no_refresh_succeeds_after("openid", async |server, _, _| {
        server.end_sessions(&create_ada(server).await).await;
    })
    .await;
}

/// THREATS X-12.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_password_is_set_no_refresh_succeeds() {
    no_refresh_succeeds_after("openid offline_access", async |server, _, _| {
        server.set_password(&create_ada(server).await, "another battery staple").await;
    })
    .await;
}

async fn create_ada(server: &Server) -> gatewright::types::User {
    let found = gatewright::store::users::by_name(server.app().store.db(), "ada").await;
    found.unwrap().unwrap().user
}

/// THREATS: a withdrawal of consent during a redemption leaves no valid grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_races_with_a_redemption_leaves_no_valid_grant() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    for _ in 0..16 {
        let page =
            Browser::new(&server).authorize("ada", &client, "openid offline_access", "").await;
        let redeeming =
            tokio::spawn(server.redeem_request(&client, &page.parameter("code")).send());

        server.withdraw_consent(&user, &client).await;

        let response = redeeming.await.unwrap();
        for token in successors(vec![response]) {
            server.refresh(&client, &token, "").await.refused(400, "invalid_grant");
        }
    }
}

/// THREATS X-05: a code that was issued during the withdrawal of its consent, and was missed by it, is
/// refused.
#[tokio::test]
async fn a_code_without_its_consent_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
    sql("DELETE FROM consents").execute(server.app().store.db()).await.unwrap();

    let response = server.redeem(&client, &page.parameter("code")).await;

    response.refused(400, "invalid_grant");
}

/// THREATS UI-17, X-09: an attempt is counted before its password is hashed.
#[tokio::test(flavor = "multi_thread")]
async fn of_256_concurrent_guesses_only_the_limit_is_hashed() {
    const GUESSES: usize = 256;
    let server = Server::with(|config| config.passwords.queue = 1000).await;
    let replica = server.replica().await;
    server.user("ada").await;
    let page = Browser::new(&server).open("/login").await;
    assert_eq!(page.response.status, 200);
    let computed = || server.app().hasher.computed() + replica.app().hasher.computed();
    let before = computed();

    let mut guesses = Vec::new();
    for n in 0..GUESSES {
        let app = if n % 2 == 0 { server.app() } else { replica.app() }.clone();
        let mut trace: Trace = server.trace();
        trace.address = Some([192, 0, 2, 1].into());
        guesses.push(tokio::spawn(async move {
            use gatewright::people::sign_in::{Attempt, Outcome, sign_in};
            let guess = gatewright::types::Secret::new(format!("wrong battery staple {n}"));
            let attempt = Attempt {
                identifier: "ada",
                password: &guess,
                remember: false,
                device: None,
                user_agent: "",
                replaces: None,
            };
            match sign_in(&app.people(&trace), &attempt).await.unwrap() {
                Outcome::SignedIn { .. } => panic!("a wrong password was right"),
                Outcome::Wrong => true,
                Outcome::Withheld | Outcome::Throttled { .. } => false,
            }
        }));
    }
    let mut wrong = 0;
    for guess in guesses {
        wrong += usize::from(guess.await.unwrap());
    }

    let most = server.app().config.throttle.account_attempts as usize;
    assert_eq!(wrong, most);
    assert_eq!(computed() - before, most as u64);
}

/// THREATS X-06: each of several concurrent sign-ins gets a session of its own.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ins_of_a_user_all_succeed() {
    let server = Server::with(|config| config.passwords.queue = 1000).await;
    server.user("ada").await;
    let client = server.web_app().await;
    Browser::new(&server).authorize("ada", &client, "openid", "").await;
    let server = std::sync::Arc::new(server);

    let mut coming = Vec::new();
    for _ in 0..8 {
        let (server, client) = (server.clone(), client.clone());
        coming.push(tokio::spawn(async move {
            let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
            server.redeem(&client, &page.parameter("code")).await.ok().token("id_token")
        }));
    }

    let mut tokens = BTreeSet::new();
    for one in coming {
        tokens.insert(one.await.unwrap());
    }
    assert_eq!(tokens.len(), 8);
}

/// THREATS X-11: an update that is based on an outdated version is refused.
#[tokio::test(flavor = "multi_thread")]
async fn of_conflicting_updates_of_a_client_one_is_stored() {
    let server = Server::start().await;
    let client = server.service().await;
    let seen = server.find_client(&client).await;
    let mut kept = 0;

    for name in ["One", "Two", "Three"] {
        let mut metadata = seen.metadata.clone();
        metadata.client_name = name.to_owned();
        server
            .administer_clients(async |registrar| {
                kept += usize::from(registrar.update(&seen, metadata).await.is_ok());
            })
            .await;
    }

    assert_eq!(kept, 1);
    assert_eq!(server.find_client(&client).await.metadata.client_name, "One");
}

/// THREATS X-08: disabling and enabling an account restores nothing, even with requests in progress.
#[tokio::test(flavor = "multi_thread")]
async fn disabling_and_enabling_an_account_restores_no_grant() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    for _ in 0..8 {
        let page =
            Browser::new(&server).authorize("ada", &client, "openid offline_access", "").await;
        let redeeming =
            tokio::spawn(server.redeem_request(&client, &page.parameter("code")).send());
        let trace = server.trace();
        let people = server.app().people(&trace);

        account::disable(&people, &user.id).await.unwrap();
        account::enable(&people, &user.id).await.unwrap();

        for token in successors(vec![redeeming.await.unwrap()]) {
            server.refresh(&client, &token, "").await.refused(400, "invalid_grant");
        }
    }
}
