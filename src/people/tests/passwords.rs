//! Changes of the password and of the hashing cost.

use super::*;
use crate::people::account::Unfit;
use crate::store::users;

/// THREATS EX-15, UI-15: compares the computed work; the time would depend on the load of the machine.
#[tokio::test]
async fn after_a_change_of_cost_every_name_costs_the_same() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.config.passwords.iterations = 5;
    fixture.hasher = Hasher::start(&fixture.config.passwords, &Supervisor::default()).unwrap();
    fixture.account("bob").await;
    let session = fixture.signed_in("bob").await.1;

    for name in ["alice", "bob", "nobody", "alice@example.org"] {
        let before = fixture.hasher.work();
        assert!(matches!(fixture.try_at(name, ANOTHER).await, Outcome::Wrong));
        assert_eq!(fixture.hasher.work() - before, 64 * (1 + 5), "{name}");
    }
    let before = fixture.hasher.work();
    assert!(matches!(
        change(&fixture, &session, ANOTHER, "a new password of bob").await,
        Ok(Changed::Wrong)
    ));
    assert_eq!(fixture.hasher.work() - before, 64 * (1 + 5));

    fixture.signed_in("alice").await;
    let before = fixture.hasher.work();
    fixture.try_at("nobody", ANOTHER).await;
    assert_eq!(fixture.hasher.work() - before, 64 * 5, "all hashes have the current cost");
}

/// THREATS PW-14.
#[tokio::test]
async fn a_weaker_hash_is_replaced_at_the_next_sign_in() {
    let mut fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    fixture.config.passwords.iterations = 2;
    fixture.hasher = Hasher::start(&fixture.config.passwords, &Supervisor::default()).unwrap();

    fixture.try_at("alice", ANOTHER).await;
    let before = users::with_password(fixture.store.db(), &user.id).await.unwrap().unwrap();
    fixture.signed_in("alice").await;
    let after = users::with_password(fixture.store.db(), &user.id).await.unwrap().unwrap();

    assert!(before.password.unwrap().contains("t=1"));
    assert!(after.password.unwrap().contains("t=2"));
    fixture.signed_in("alice").await;
}

/// THREATS PW-05, PW-06.
#[tokio::test]
async fn a_new_password_ends_other_sessions_and_grants() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (mine, session) = fixture.signed_in("alice").await;
    let (other, _) = fixture.signed_in("alice").await;

    assert!(matches!(change(&fixture, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    for _ in 0..20 {
        let refused = change(&fixture, &session, PASSWORD, "short").await;
        assert!(matches!(refused, Ok(Changed::Unfit(..))), "and it counts no attempt");
    }
    assert!(fixture.is_live(&mine).await && fixture.is_live(&other).await, "nothing has changed");

    let Ok(Changed::Done { secret, session, .. }) =
        change(&fixture, &session, PASSWORD, ANOTHER).await
    else {
        panic!("not changed");
    };
    assert!(fixture.is_live(&secret).await);
    assert!(!fixture.is_live(&mine).await && !fixture.is_live(&other).await);
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Wrong));

    account::set_password(&fixture.people(), &user.id, &Secret::new(PASSWORD)).await.unwrap();
    assert!(!fixture.is_live(&secret).await);
    assert!(change(&fixture, &session, PASSWORD, ANOTHER).await.is_err(), "the session has ended");
    fixture.signed_in("alice").await;
}

#[tokio::test]
async fn guesses_of_the_current_password_are_throttled_as_at_sign_in() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (_, session) = fixture.signed_in("alice").await;
    for _ in 0..5 {
        assert!(matches!(fixture.try_at("alice", ANOTHER).await, Outcome::Wrong));
        assert!(matches!(change(&fixture, &session, ANOTHER, ANOTHER).await, Ok(Changed::Wrong)));
    }

    let throttled = change(&fixture, &session, PASSWORD, ANOTHER).await;
    assert!(matches!(throttled, Ok(Changed::Throttled { .. })));
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
}

/// THREATS PW-06: a proof expires with a change of the password, and five minutes after the password was typed,
/// however often it is used.
#[tokio::test]
async fn a_proof_of_the_password_is_valid_for_one_change_and_five_minutes() {
    const NEVER: &str = "a password that is never set";
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (_, session) = fixture.signed_in("alice").await;
    let unfit = async |fixture: &Fixture, current: Current<'_>, new: &str| match change_by(
        fixture, &session, current, new,
    )
    .await
    {
        Ok(Changed::Unfit(unfit, proof)) => (unfit, proof),
        other => panic!("{other:?}"),
    };
    let password = Secret::new(PASSWORD);
    let typed = Current::Typed(&password);

    let (_, first) = unfit(&fixture, typed, "short").await;
    let (is, _) = unfit(&fixture, Current::Proven(first), PASSWORD).await;
    assert!(matches!(is, Unfit::Same), "{is:?}");
    fixture.now = fixture.now + Seconds::minutes(4);
    let (_, second) = unfit(&fixture, Current::Proven(first), "short").await;
    fixture.now = fixture.now + Seconds::minutes(1);
    let over = change_by(&fixture, &session, Current::Proven(second), NEVER).await;
    assert!(matches!(over, Ok(Changed::Unproven)), "{over:?}");

    let (_, proof) = unfit(&fixture, typed, "short").await;
    let done = change_by(&fixture, &session, Current::Proven(proof), ANOTHER).await;
    assert!(matches!(done, Ok(Changed::Done { .. })), "{done:?}");
    let spent = change_by(&fixture, &session, Current::Proven(proof), NEVER).await;
    assert!(matches!(spent, Ok(Changed::Unproven)), "{spent:?}");
    into_session(fixture.try_at("alice", ANOTHER).await);
}

/// Whichever comes first, no session begun with the old password stays valid.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_survives_a_sign_in_that_races_a_change_of_the_password() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (mut old, mut new) = (PASSWORD, ANOTHER);
    for _ in 0..8 {
        let (_, mine) = into_session(fixture.try_at("alice", old).await);

        let (changed, _) =
            tokio::join!(change(&fixture, &mine, old, new), fixture.try_at("alice", old));

        assert!(matches!(changed, Ok(Changed::Done { .. })));
        let live = session::of_user(&fixture.store, &user.id, fixture.now).await.unwrap();
        assert_eq!(live.len(), 1, "the one that changed it");
        (old, new) = (new, old);
    }
}
