//! Browsers that have signed in to an account before have a limit of their own.

use super::*;

/// THREATS EX-13, UI-19.
#[tokio::test]
async fn a_known_browser_has_ten_failures_of_its_own() {
    let fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    fixture.account("bob").await;
    let device = fixture.device_of("alice").await;
    for _ in 0..20 {
        fixture.try_at("alice", ANOTHER).await;
        fixture.try_at("bob", ANOTHER).await;
    }

    let of_another = fixture.try_with(&device, "bob", PASSWORD).await;
    assert!(matches!(of_another, Outcome::Throttled { .. }), "it is bound to the account");
    let chosen = fixture.try_with(&DeviceSecret::generate(), "alice", PASSWORD).await;
    assert!(matches!(chosen, Outcome::Throttled { .. }), "and to the browser");
    for _ in 0..9 {
        assert!(matches!(fixture.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    let Outcome::SignedIn { device: kept, session, .. } =
        fixture.try_with(&device, "alice", PASSWORD).await
    else {
        panic!("it gets in");
    };
    assert_eq!(kept.0.expose(), device.0.expose(), "several users can share a browser");
    for _ in 0..10 {
        assert!(matches!(fixture.try_with(&device, "alice", ANOTHER).await, Outcome::Wrong));
    }
    for _ in 0..20 {
        fixture.try_at("alice", ANOTHER).await;
    }
    let voided = fixture.try_with(&device, "alice", PASSWORD).await;
    assert!(matches!(voided, Outcome::Throttled { .. }), "after ten failures it is invalid");

    account::unlock(&fixture.people(), &alice.id).await.unwrap();
    let device = fixture.device_of("alice").await;
    let Ok(Changed::Done { device: new, .. }) = change(&fixture, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    for _ in 0..20 {
        fixture.try_at("alice", PASSWORD).await;
    }
    let old = fixture.try_with(&device, "alice", ANOTHER).await;
    assert!(matches!(old, Outcome::Throttled { .. }), "it ends with the password");
    let outcome = fixture.try_with(&new, "alice", ANOTHER).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "except in the browser that changed it");
    account::set_password(&fixture.people(), &alice.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(matches!(fixture.try_with(&new, "alice", PASSWORD).await, Outcome::Throttled { .. }));
}

/// THREATS EX-13: of many concurrent guesses by a known browser, ten are compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_cannot_race_its_own_limit() {
    let fixture = std::sync::Arc::new(Fixture::build().await);
    fixture.account("alice").await;
    let device = fixture.device_of("alice").await;
    for _ in 0..10 {
        fixture.try_at("alice", ANOTHER).await;
    }
    let before = fixture.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (fixture, device) = (std::sync::Arc::clone(&fixture), device.clone());
        racing.spawn(async move { fixture.try_with(&device, "alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    assert_eq!((wrong, fixture.hasher.computed() - before), (10, 10));
}
