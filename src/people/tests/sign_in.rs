//! Sign-in, and the queue before it.

use super::*;
use crate::types::Failure;

#[tokio::test]
async fn a_user_signs_in_with_username_or_email() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;

    for name in ["alice", " ALICE ", "ａｌｉｃｅ", "Alice@Example.ORG"] {
        let (secret, session) = fixture.signed_in(name).await;

        assert_eq!(session.user_id, user.id);
        assert_eq!((session.acr.as_str(), session.amr.as_str()), ("pwd", "pwd"));
        assert_eq!((session.auth_time, session.address.as_str()), (fixture.now, "192.0.2.1"));
        assert!(fixture.is_live(&secret).await);
    }
    let events = fixture.events("sign_in").await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.outcome == "success" && event.session_id.is_some()));
}

/// THREATS UI-14, UI-15: only the audit event has the reason, and every attempt computes one hash.
#[tokio::test]
async fn every_wrong_sign_in_has_the_same_result() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let bob = fixture.account("bob").await;
    account::disable(&fixture.people(), &bob.id).await.unwrap();
    account::create(&fixture.people(), blank("carol", None)).await.unwrap();

    for (name, password) in [
        ("alice", ANOTHER),
        ("alice", ""),
        ("bob", PASSWORD),
        ("carol", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("alice+tag@example.org", PASSWORD),
    ] {
        let before = fixture.hasher.computed();
        let outcome = fixture.try_at(name, password).await;
        assert!(matches!(outcome, Outcome::Wrong), "{name} {outcome:?}");
        assert_eq!(fixture.hasher.computed() - before, 1, "{name}");
    }

    let events = fixture.events("sign_in").await;
    let reasons: std::collections::BTreeSet<_> = events.iter().map(|event| &event.facts).collect();
    assert_eq!((events.len(), reasons.len()), (7, 4));
    assert!(!events.iter().any(|event| event.facts.contains("nobody@")));
}

/// THREATS PW-07.
#[tokio::test]
async fn a_password_that_is_too_long_is_neither_hashed_nor_counted() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let long = Secret::new("x".repeat(1025));
    let before = fixture.hasher.computed();

    for _ in 0..20 {
        assert!(sign_in(&fixture.people(), &attempt("alice", &long)).await.is_err());
    }

    assert_eq!(fixture.hasher.computed(), before);
    fixture.signed_in("alice").await;
}

#[tokio::test]
async fn a_full_queue_counts_no_attempt() {
    let fixture = Fixture::with(|config| config.passwords.queue = 1).await;
    fixture.account("alice").await;
    let turns = fixture.all_turns().await;
    let password = Secret::new(PASSWORD);
    let mut waiting = Box::pin(fixture.hasher.place(from("192.0.2.200")));
    assert!(is_waiting(&mut waiting).await);

    for _ in 0..20 {
        let turned_away = sign_in(&fixture.people(), &attempt("alice", &password)).await;
        assert!(matches!(turned_away, Err(crate::types::Error::Failed(Failure::Busy(_)))));
    }

    drop((turns, waiting));
    fixture.signed_in("alice").await;
}

/// THREATS EX-12: they are refused at once while others wait.
#[tokio::test]
async fn throttled_attempts_take_no_place_in_the_queue() {
    let fixture = Fixture::build().await;
    for _ in 0..10 {
        assert!(matches!(fixture.try_at("nobody", ANOTHER).await, Outcome::Wrong));
    }
    let _turns = fixture.all_turns().await;

    let throttled = tokio::time::timeout(PATIENCE, fixture.try_at("nobody", ANOTHER)).await;
    assert!(matches!(throttled, Ok(Outcome::Throttled { .. })));
    let mut other = Box::pin(fixture.try_at("somebody", ANOTHER));
    assert!(is_waiting(&mut other).await);
}

/// DESIGN §8: attempts that are being compared are no failures.
#[tokio::test(flavor = "multi_thread")]
async fn many_correct_sign_ins_at_once_succeed() {
    const PEOPLE: usize = 150;
    let fixture = std::sync::Arc::new(Fixture::build().await);
    for number in 0..PEOPLE {
        fixture.account(&format!("u{number}")).await;
    }

    let mut coming = tokio::task::JoinSet::new();
    for number in 0..PEOPLE {
        let fixture = std::sync::Arc::clone(&fixture);
        coming.spawn(async move { fixture.try_at(&format!("u{number}"), PASSWORD).await });
    }

    let came = coming.join_all().await;
    let welcome = came.iter().filter(|outcome| matches!(outcome, Outcome::SignedIn { .. }));
    assert_eq!(welcome.count(), PEOPLE);
}
