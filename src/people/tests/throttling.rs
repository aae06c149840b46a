//! The limits of accounts and networks.

use super::*;

/// THREATS UI-17, X-09.
#[tokio::test(flavor = "multi_thread")]
async fn of_256_racing_guesses_ten_are_compared() {
    let fixture = std::sync::Arc::new(Fixture::build().await);
    fixture.account("alice").await;
    let before = fixture.hasher.computed();

    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let fixture = std::sync::Arc::clone(&fixture);
        racing.spawn(async move { fixture.try_at("alice", ANOTHER).await });
    }
    let outcomes = racing.join_all().await;

    let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Wrong)).count();
    let throttled = outcomes
        .iter()
        .filter(|outcome| {
            matches!(outcome, Outcome::Throttled { until, .. } if *until == fixture.now + Seconds::minutes(10))
        })
        .count();
    assert_eq!((wrong, throttled), (10, 246));
    assert_eq!(fixture.hasher.computed() - before, 10);
}

/// THREATS UI-18.
#[tokio::test]
async fn all_names_of_an_account_share_its_limit() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;

    for name in ["alice", "ALICE", " alice", "ａｌｉｃｅ", "alice@example.org"] {
        for _ in 0..2 {
            assert!(matches!(fixture.try_at(name, ANOTHER).await, Outcome::Wrong));
        }
    }

    for name in ["alice", "alice@EXAMPLE.org"] {
        assert!(matches!(fixture.try_at(name, PASSWORD).await, Outcome::Withheld));
    }
    fixture.wait(Seconds::minutes(10));
    fixture.signed_in("alice").await;
}

/// THREATS UI-19.
#[tokio::test]
async fn failures_from_one_network_do_not_lock_out_another() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    for _ in 0..12 {
        fixture.try_at("alice", ANOTHER).await;
    }

    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    fixture.come_from("192.0.2.2");
    fixture.signed_in("alice").await;
}

#[tokio::test]
async fn a_network_has_a_hundred_attempts_over_all_names() {
    let mut fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.come_from("2001:db8::1");
    for number in 0..100 {
        assert!(matches!(fixture.try_at(&format!("u{number}"), ANOTHER).await, Outcome::Wrong));
    }

    fixture.come_from("2001:db8::2");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Throttled { .. }));
    fixture.come_from("2001:db8:0:1::1");
    fixture.signed_in("alice").await;
}

/// Users behind one address do not throttle each other, and an attacker with an account of their own gains no
/// attempts at others.
#[tokio::test]
async fn a_success_releases_its_own_attempt_only() {
    let mut fixture = Fixture::build().await;
    fixture.config.throttle.network_attempts = 12;
    fixture.account("alice").await;
    fixture.account("mallory").await;
    for _ in 0..20 {
        fixture.signed_in("mallory").await;
    }

    for number in 0..12 {
        let outcome = fixture.try_at("alice", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 10);
        if number < 10 {
            fixture.config.throttle.network_attempts = 100;
            fixture.signed_in("mallory").await;
            fixture.config.throttle.network_attempts = 12;
        }
    }
    for number in 0..4 {
        let outcome = fixture.try_at("nobody", ANOTHER).await;
        assert_eq!(matches!(outcome, Outcome::Wrong), number < 2, "ten were alice's");
    }
}

/// THREATS EX-13: 40 guesses at one account, and 400 in all, from a site with a /48.
#[tokio::test]
async fn the_subnets_of_an_ipv6_site_share_limits() {
    let mut fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let (mut compared, mut throttled) = (0, 0);
    for subnet in 0..16 {
        fixture.come_from(&format!("2001:db8:0:{subnet:x}00::1"));
        for _ in 0..8 {
            match fixture.try_at("alice", ANOTHER).await {
                Outcome::Wrong => compared += 1,
                Outcome::Throttled { user, .. } => {
                    assert_eq!(user.as_ref(), Some(&alice.id));
                    throttled += 1;
                }
                other @ (Outcome::SignedIn { .. } | Outcome::Withheld) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((compared, throttled), (40, 88));

    for number in 0..400 {
        fixture.come_from(&format!("2001:db8:0:{:x}00::1", number % 8));
        fixture.try_at(&format!("u{number}"), ANOTHER).await;
    }
    fixture.come_from("2001:db8:0:ff00::1");
    assert!(matches!(fixture.try_at("bob", ANOTHER).await, Outcome::Throttled { .. }));
    fixture.come_from("2001:db8:1::1");
    fixture.signed_in("alice").await;
}

/// THREATS EX-13: NIST SP 800-63B-4 §3.2.2.
#[tokio::test]
async fn after_a_hundred_failures_in_a_row_attempts_are_slow() {
    let mut fixture = Fixture::build().await;
    let alice = fixture.account("alice").await;
    let known = fixture.device_of("alice").await;
    fixture.fail_from_everywhere("alice", 0..100).await;

    fixture.come_from("198.51.100.1");
    assert!(matches!(fixture.try_at("alice", ANOTHER).await, Outcome::Wrong), "one is compared");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld), "and no more");
    assert!(matches!(fixture.try_at("alice@example.org", PASSWORD).await, Outcome::Withheld));
    fixture.wait(Seconds::minutes(1));
    fixture.fail_from_everywhere("alice", 101..160).await;
    fixture.come_from("198.51.100.2");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld), "sixty an hour");

    let outcome = fixture.try_with(&known, "alice", PASSWORD).await;
    assert!(matches!(outcome, Outcome::SignedIn { .. }), "a known browser signs in");
    fixture.come_from("198.51.100.3");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
    fixture.wait(Seconds::hours(1));
    fixture.signed_in("alice").await;

    // A success ends the row of failures.
    fixture.fail_from_everywhere("alice", 0..160).await;
    fixture.come_from("198.51.100.4");
    assert!(matches!(fixture.try_at("alice", PASSWORD).await, Outcome::Withheld));
    account::unlock(&fixture.people(), &alice.id).await.unwrap();
    fixture.signed_in("alice").await;
    assert_eq!(fixture.events("user.unlocked").await.len(), 1);
}

/// THREATS EX-14: the result for a name does not depend on whether an account has it.
#[tokio::test]
async fn responses_do_not_reveal_that_two_names_are_one_account() {
    let fixture = Fixture::build().await;
    fixture.account("alice").await;
    fixture.account("bob").await;
    for _ in 0..10 {
        fixture.try_at("alice", ANOTHER).await;
    }

    for number in 0..12 {
        let before = fixture.hasher.computed();
        let other_name = fixture.try_at("alice@example.org", PASSWORD).await;
        let hashed = fixture.hasher.computed() - before;
        let stranger = fixture.try_at("bob", ANOTHER).await;
        let nobody = fixture.try_at("nobody", PASSWORD).await;
        let seen = |outcome: &Outcome| matches!(outcome, Outcome::Throttled { .. });
        assert_eq!(seen(&other_name), number >= 10, "{number} {other_name:?}");
        assert_eq!(hashed, u64::from(number < 10));
        assert_eq!(seen(&stranger), seen(&other_name), "{number}");
        assert_eq!(seen(&nobody), seen(&other_name), "{number}");
    }
    let events = fixture.events("sign_in").await;
    let throttled = events.iter().filter(|event| event.outcome == "throttled");
    assert_eq!(throttled.count(), 10, "the audit trail has them");
}
