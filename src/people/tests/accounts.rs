//! Names and passwords of accounts, and disabling them.

use super::*;

/// THREATS UI-24, PW-08.
#[tokio::test]
async fn names_are_unique_and_passwords_are_checked() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;

    for (username, email) in [
        ("ALICE", None),
        ("ａｌｉｃｅ", None),
        ("bob", Some("ALICE@example.org")),
        ("alice@example.org", Some("alice@example.org")),
        ("carol@example.org", None),
        ("carol@example.org", Some("carol@example.com")),
        ("", None),
        ("bob", Some("not an address")),
    ] {
        let made = account::create(&fixture.people(), blank(username, email)).await;
        assert!(made.is_err(), "{username} {email:?}");
    }
    for password in ["short", "123456789012345678", "dave@example.org", "Dave-1234567890!"] {
        let password = Secret::new(password);
        let account =
            NewAccount { password: Some(&password), ..blank("dave", Some("dave@example.org")) };
        assert!(account::create(&fixture.people(), account).await.is_err());
    }
    let own = blank("carol@example.org", Some("Carol@example.org"));
    account::create(&fixture.people(), own).await.unwrap();
    assert_eq!(fixture.events("user.created").await.len(), 2);
}

#[tokio::test]
async fn enabling_an_account_restores_no_session_and_no_grant() {
    let fixture = Fixture::build().await;
    let user = fixture.account("alice").await;
    let (secret, _) = fixture.signed_in("alice").await;

    assert!(account::disable(&fixture.people(), &user.id).await.unwrap());
    assert!(!fixture.is_live(&secret).await);
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Wrong));

    assert!(account::enable(&fixture.people(), &user.id).await.unwrap());
    assert!(!fixture.is_live(&secret).await);
    fixture.signed_in("alice").await;
    assert!(!account::disable(&fixture.people(), &crate::types::UserId::new()).await.unwrap());
}
