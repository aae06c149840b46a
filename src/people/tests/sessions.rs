//! The end of sessions.

use super::*;

/// THREATS UI-04.
#[tokio::test]
async fn signing_in_again_invalidates_the_old_cookie() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.account("bob").await;
    let (first, session) = fixture.signed_in("alice").await;
    fixture.wait(Seconds::minutes(5));

    let password = Secret::new(PASSWORD);
    let again = Attempt { replaces: Some(&session), ..attempt("alice", &password) };
    let (second, renewed) = into_session(sign_in(&fixture.people(), &again).await.unwrap());
    assert_eq!((&renewed.id, renewed.auth_time), (&session.id, fixture.now), "the sid stays");
    assert!(!fixture.is_live(&first).await && fixture.is_live(&second).await);

    let another = Attempt { replaces: Some(&renewed), ..attempt("bob", &password) };
    let (third, other) = into_session(sign_in(&fixture.people(), &another).await.unwrap());
    assert_ne!(other.id, session.id);
    assert!(!fixture.is_live(&second).await && fixture.is_live(&third).await);
    assert_eq!(fixture.events("session.ended").await.len(), 1);
}

/// THREATS UI-21.
#[tokio::test]
async fn a_session_ends_when_idle_or_old_and_when_it_is_ended() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (secret, mut session) = fixture.signed_in("alice").await;
    for _ in 0..25 {
        fixture.wait(Seconds::minutes(28));
        assert!(fixture.is_live(&secret).await);
        fixture.touch(&session).await;
        session.seen_at = fixture.now;
    }
    fixture.wait(Seconds::minutes(20));
    assert!(!fixture.is_live(&secret).await, "twelve hours are over");

    let (secret, session) = fixture.signed_in("alice").await;
    fixture.wait(Seconds(59));
    fixture.touch(&session).await;
    fixture.wait(Seconds(30 * 60 - 59));
    assert!(!fixture.is_live(&secret).await, "a use within the minute is not written");
    fixture.touch(&session).await;
    assert!(!fixture.is_live(&secret).await, "and a late one does not revive it");

    let password = Secret::new(PASSWORD);
    let remembered = Attempt { remember: true, ..attempt("alice", &password) };
    let (secret, _) = into_session(sign_in(&fixture.people(), &remembered).await.unwrap());
    fixture.wait(Seconds::days(13));
    assert!(fixture.is_live(&secret).await);
    fixture.config.sessions.remember_idle = Seconds::days(2);
    assert!(!fixture.is_live(&secret).await, "new lifetimes apply to existing sessions");
}

/// THREATS UI-21: valid until one second before the end of either lifetime, expired at its end.
#[tokio::test]
async fn shortened_lifetimes_end_existing_sessions_at_the_second() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    let (secret, _) = fixture.signed_in("alice").await;
    fixture.wait(Seconds(600));

    for (idle, absolute, is_live) in [
        (Seconds(601), Seconds::hours(12), true),
        (Seconds(600), Seconds::hours(12), false),
        (Seconds::minutes(30), Seconds(601), true),
        (Seconds::minutes(30), Seconds(600), false),
    ] {
        (fixture.config.sessions.idle, fixture.config.sessions.absolute) = (idle, absolute);
        assert_eq!(fixture.is_live(&secret).await, is_live, "{idle:?}, {absolute:?}");
    }
}

/// THREATS UI-22.
#[tokio::test]
async fn users_see_and_end_their_own_sessions_only() {
    let fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let bob = fixture.account("bob").await;
    let (first, session) = fixture.signed_in("alice").await;
    let (second, _) = fixture.signed_in("alice").await;
    let (third, here) = fixture.signed_in("alice").await;
    let (of_bob, _) = fixture.signed_in("bob").await;

    assert!(!session::end(&fixture.people(), &bob.id, &session.id).await.unwrap());
    assert!(fixture.is_live(&first).await);
    assert!(session::end(&fixture.people(), &alice.id, &session.id).await.unwrap());
    assert!(!fixture.is_live(&first).await);

    let ended = session::end_others(&fixture.people(), &alice.id, Some(&here.id)).await.unwrap();
    assert_eq!(ended, 1);
    assert!(!fixture.is_live(&second).await && fixture.is_live(&third).await);
    session::sign_out(&fixture.store, fixture.people().trace, &here, None).await.unwrap();
    assert!(!fixture.is_live(&third).await && fixture.is_live(&of_bob).await);
    assert_eq!(session::of_user(&fixture.store, &alice.id, fixture.now).await.unwrap().len(), 0);
    assert_eq!(fixture.events("session.ended").await.len(), 2);
    assert_eq!(fixture.events("sign_out").await.len(), 1);
}
