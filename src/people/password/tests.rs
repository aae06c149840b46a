//! Passwords are compared as typed, hashed at a bounded cost, and refused if easy to guess.

use super::*;
use crate::config::Passwords;
use crate::record::Supervisor;
use crate::types::{Failure, Subscriber};

fn cheap() -> Passwords {
    Passwords { memory_kib: 64, iterations: 1, queue: 2, ..Passwords::default() }
}

fn typed(text: &str) -> Password {
    Password::parse(&Secret::new(text), 1024).unwrap()
}

async fn verified(hasher: &Hasher, password: &str, stored: Option<&str>) -> Verified {
    let place = hasher.place(Subscriber::from_address(None)).await.unwrap();
    place.verify(&typed(password), stored, &[]).await.unwrap()
}

async fn hashed(hasher: &Hasher, password: &str) -> String {
    let place = hasher.place(Subscriber::from_address(None)).await.unwrap();
    place.hash(&typed(password)).await.unwrap()
}

const WRONG: Verified = Verified { matches: false, needs_rehash: false };

/// THREATS PW-07.
#[tokio::test]
async fn a_password_is_taken_exactly_as_typed() {
    let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
    let long = "correct horse battery staple ".repeat(35);
    for password in [" leading and trailing ", "nul\0inside it", "пароль длиной ☃", &long]
    {
        let hash = hashed(&hasher, password).await;

        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(verified(&hasher, password, Some(&hash)).await.matches, "{password}");
        for other in [password.trim_end(), &password[..4], &password.to_uppercase()] {
            let verified = verified(&hasher, other, Some(&hash)).await;
            assert_eq!(verified.matches, other == password, "{other}");
        }
    }
    assert!(Password::parse(&Secret::new("x".repeat(1024)), 1024).is_ok());
    assert!(Password::parse(&Secret::new("x".repeat(1025)), 1024).is_err());
}

#[tokio::test]
async fn two_encodings_of_one_text_are_one_password() {
    let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
    let hash = hashed(&hasher, "cafe\u{301} ｏｎ corner").await;

    assert!(verified(&hasher, "caf\u{e9} on corner", Some(&hash)).await.matches);
}

#[tokio::test]
async fn a_hash_with_another_cost_is_replaced_after_a_sign_in() {
    let old = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
    let hash = hashed(&old, "a password of old").await;
    let new =
        Hasher::start(&Passwords { iterations: 2, ..cheap() }, &Supervisor::default()).unwrap();

    assert_eq!(
        verified(&new, "a password of old", Some(&hash)).await,
        Verified { matches: true, needs_rehash: true }
    );
    assert_eq!(verified(&new, "another password", Some(&hash)).await, WRONG);
    assert!(!verified(&old, "a password of old", Some(&hash)).await.needs_rehash);
}

/// THREATS PW-14: the result is returned although the memory is not available.
#[tokio::test]
async fn a_stored_hash_above_the_maximum_cost_is_not_computed() {
    let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
    for planted in [
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=4000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2d$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
        "$2b$12$not.of.ours",
        "",
    ] {
        assert_eq!(verified(&hasher, "whatever it is", Some(planted)).await, WRONG);
    }
    assert_eq!(verified(&hasher, "whatever it is", None).await, WRONG);
}

/// THREATS EX-15.
#[tokio::test]
async fn every_attempt_computes_every_stored_cost() {
    let old = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
    let new =
        Hasher::start(&Passwords { iterations: 5, ..cheap() }, &Supervisor::default()).unwrap();
    let (of_old, of_new) = (hashed(&old, "one").await, hashed(&new, "two").await);
    let costs = ["$argon2id$v=19$m=64,t=1,p=1", "$argon2id$v=19$m=64,t=5,p=1", "$2b$12"];
    let costs = costs.map(str::to_owned);

    for stored in [Some(of_old.as_str()), Some(of_new.as_str()), None, Some("$2b$12$other")] {
        let before = (new.computed(), new.work());
        let place = new.place(Subscriber::from_address(None)).await.unwrap();
        place.verify(&typed("three"), stored, &costs).await.unwrap();
        assert_eq!((new.computed() - before.0, new.work() - before.1), (2, 64 * 6), "{stored:?}");
    }
}

/// Other programs end a text at NUL or at a line break.
#[test]
fn a_password_that_other_programs_would_cut_is_refused() {
    for password in ["correct horse\0battery staple", "correct horse battery\nstaple"] {
        assert!(typed(password).must_resist_guessing(15, &[]).is_err(), "{password:?}");
    }
}

/// THREATS EX-26: there is one thread, and it survives.
#[tokio::test]
async fn a_panic_fails_one_hash_and_the_thread_goes_on() {
    let supervisor = Supervisor::default();
    let hasher = Hasher::start(&cheap(), &supervisor).unwrap();
    let defect = async || {
        let place = hasher.place(Subscriber::from_address(None)).await.unwrap();
        place.run(|_| -> Result<(), Failure> { panic!("a defect") }).await
    };

    for _ in 0..3 {
        supervisor.must_keep_working().unwrap();
        assert!(matches!(defect().await, Err(Failure::Internal(_))));
    }
    while supervisor.must_keep_working().is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(!verified(&hasher, "whatever it is", None).await.matches);

    assert_eq!(supervisor.count_of("hashing"), 3);
}

/// THREATS PW-08.
#[test]
fn passwords_that_are_easy_to_guess_are_refused() {
    let names = ["Zaphod", "beeblebrox@example.org"];
    for password in [
        "short",
        "zaphod",
        "Zaphod123456789!",
        "beeblebrox@example.org",
        "Beeblebrox2026!!",
        "passwordpassword",
        "PasswordPassword1!",
        "aaaaaaaaaaaaaaaaaa",
        "123456789012345678",
        "qwertyuiopasdfghjkl",
        "abcabcabcabcabcabc",
        "letmein1234567890",
    ] {
        assert!(typed(password).must_resist_guessing(15, &names).is_err(), "{password}");
    }
    for password in
        ["correct horse battery staple", "zaphod rides a red bicycle", "ŷäöüßéàçñøåæœþð"]
    {
        assert!(typed(password).must_resist_guessing(15, &names).is_ok(), "{password}");
    }
}
