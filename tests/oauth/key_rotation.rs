//! THREATS §1.W: the life of a signing key, from its publication to its removal (OIDC Core §10.1.1),
//! and the key-encryption key.

use std::collections::BTreeMap;

use gatewright::app::{App, Clock};
use gatewright::config::{Config, DatabaseUrl, EncryptionKeys, Issuer};
use gatewright::jose::jwk::Jwks;
use gatewright::jose::jws::{self, Keys, Typ};
use gatewright::store::signing_keys::{self, SigningKeyRow, State};
use gatewright::store::{ConnectionLimits, OpenMode, Store, server_secrets, sql};
use gatewright::types::{Algorithm, Seconds, Secret};
use serde_json::{Value, json};

use kit::jwt::hs256_jwt;
use kit::keys::replace_secrets;
use kit::server::{Database, ISSUER, START_TIME, Server};

const DAY: i64 = 24 * 60 * 60;
const MAX_AGE: i64 = 15 * 60;

async fn signing_keys_of(server: &Server) -> Vec<SigningKeyRow> {
    signing_keys::all(server.app().store.db()).await.unwrap()
}

async fn kid(server: &Server, algorithm: Algorithm, state: State) -> String {
    let keys = signing_keys_of(server).await;
    let mut found = keys.iter().filter(|key| key.alg == algorithm && key.state() == state);
    let kid = found.next().expect("such a key").id.clone();
    assert!(found.next().is_none(), "one of a kind");
    kid
}

async fn published_jwks(server: &Server) -> Value {
    server.get("/jwks").await.ok().body
}

fn kids(jwks: &Value) -> Vec<String> {
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn is_signed_by(jwks: &Value, jwt: &str) -> bool {
    let set = Jwks::fetched(jwks).unwrap();
    let any = Typ::AbsentOr(&["JWT", "at+jwt"]);
    jws::verify(jwt, Keys::Published(&set), Algorithm::SIGNING, any).is_ok()
}

/// What the background job does, on this replica.
async fn run_rotation_job(server: &Server) {
    let app = server.app();
    app.keyring.tick(&app.store, &server.trace()).await.unwrap();
    app.confirm().await.unwrap();
}

/// A resource server that caches the JWKS exactly as long as it may.
#[derive(Default)]
struct Verifier {
    jwks: Value,
    fetched_at: i64,
    max_age: i64,
}

impl Verifier {
    async fn verify(&mut self, server: &Server, jwt: &str) {
        let now = server.trace().now().0;
        if self.jwks.is_null() || now - self.fetched_at >= self.max_age {
            (self.jwks, self.fetched_at) = (published_jwks(server).await, now);
        }
        assert!(is_signed_by(&self.jwks, jwt), "an unknown kid, after {} s", now - self.fetched_at);
    }
}

/// > the signer SHOULD publish its keys in a JWK Set […] The signer can begin using a new key
/// > periodically (OIDC Core §10.1.1); DESIGN §3: each algorithm has one that signs and one that waits
#[tokio::test]
async fn the_next_key_is_published_before_it_signs() {
    let server = Server::start().await;
    let client = server.service().await;
    let (active, pending) = (
        kid(&server, Algorithm::Es256, State::Active).await,
        kid(&server, Algorithm::Es256, State::Pending).await,
    );

    let jwks = published_jwks(&server).await;

    assert!(kids(&jwks).contains(&active) && kids(&jwks).contains(&pending));
    assert!(is_signed_by(&jwks, &server.client_credentials_token(&client).await));
}

/// THREATS KE-05: private members of a key are never published.
#[tokio::test]
async fn the_jwks_contains_no_private_member() {
    let server = Server::start().await;

    for key in published_jwks(&server).await["keys"].as_array().unwrap() {
        for member in key.as_object().unwrap().keys() {
            let public = ["kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"];
            assert!(public.contains(&member.as_str()), "{member}");
        }
    }
}

/// > The signer […] signals the change to the verifier using the kid value. The verifier knows to go back
/// > to the jwks_uri location to re-retrieve the keys when it sees an unfamiliar kid value (OIDC Core
/// > §10.1.1). THREATS KE-01: verifiers of this server never see one, on either replica.
#[tokio::test]
async fn a_verifier_that_caches_the_jwks_never_sees_an_unknown_kid() {
    let max_age = 12 * 60 * 60;
    let server = Server::with(|config| config.keys.jwks_max_age = Seconds(max_age)).await;
    let replica = server.replica().await;
    let client = server.service().await;
    replica.app().confirm().await.unwrap();
    let mut verifiers = [0, 1, 2].map(|_| Verifier { max_age, ..Verifier::default() });
    let mut signed_by = BTreeMap::new();

    // Three hours a step: each verifier has a JWKS that is up to four steps old.
    for step in 0..65 * 8 {
        for (n, verifier) in verifiers.iter_mut().enumerate().skip(usize::from(step < 2)) {
            let one = if n == 0 { &server } else { &replica };
            let token = one.client_credentials_token(&client).await;
            verifier.verify(if n == 1 { &server } else { &replica }, &token).await;
            *signed_by.entry(token.split('.').next().unwrap().to_owned()).or_insert(0) += 1;
        }
        server.advance_clock(3 * 60 * 60);
        run_rotation_job(if step % 2 == 0 { &server } else { &replica }).await;
        for one in [&server, &replica] {
            one.app().confirm().await.unwrap();
        }
    }

    assert_eq!(signed_by.len(), 3, "thirty days each: {signed_by:?}");
}

/// THREATS KE-01: the last signature is verifiable until its token has expired; then the key is
/// removed.
#[tokio::test]
async fn a_key_stays_published_until_its_last_token_has_expired() {
    let server = Server::start().await;
    let client = server.service().await;
    let first = kid(&server, Algorithm::Es256, State::Active).await;
    server.advance_clock(30 * DAY);
    let last = server.client_credentials_token(&client).await;
    run_rotation_job(&server).await;

    assert_ne!(kid(&server, Algorithm::Es256, State::Active).await, first);
    assert!(is_signed_by(&published_jwks(&server).await, &last));
    server.advance_clock(299);
    run_rotation_job(&server).await;
    assert!(is_signed_by(&published_jwks(&server).await, &last), "a second before it expires");
    server.advance_clock(2 * DAY);
    run_rotation_job(&server).await;
    assert!(!kids(&published_jwks(&server).await).contains(&first));
}

/// DESIGN §3: a key that was published too recently for every verifier to have it does not sign.
#[tokio::test]
async fn a_key_does_not_sign_before_every_verifier_has_it() {
    let server = Server::start().await;
    let app = server.app();
    let rotate =
        async || app.keyring.rotate(&app.store, Algorithm::Es256, false, &server.trace()).await;
    let pending = kid(&server, Algorithm::Es256, State::Pending).await;

    server.advance_clock(MAX_AGE);
    assert!(rotate().await.is_err(), "a replica may have published it a second later");
    let active = kid(&server, Algorithm::Es256, State::Active).await;
    let retired = app.keyring.retire(&app.store, &active, false, &server.trace()).await;
    assert!(retired.is_err(), "verifiers may lack the next key");
    server.advance_clock(60);
    rotate().await.unwrap();

    assert_eq!(kid(&server, Algorithm::Es256, State::Active).await, pending);
}

/// THREATS KE-02: two replicas that rotate at once make one step.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_rotate_at_once_rotate_one_key_each_algorithm() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let before = signing_keys_of(&server).await.len();
    server.advance_clock(31 * DAY);

    let run_rotation_job = |one: &Server| {
        let (app, trace) = (one.app().clone(), one.trace());
        tokio::spawn(async move { app.keyring.tick(&app.store, &trace).await })
    };
    let ticking: Vec<_> = [&server, &replica, &server, &replica].map(run_rotation_job).into();
    for one in ticking {
        one.await.unwrap().unwrap();
    }

    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        kid(&server, algorithm, State::Active).await;
        kid(&server, algorithm, State::Pending).await;
        kid(&server, algorithm, State::Retiring).await;
    }
    assert_eq!(signing_keys_of(&server).await.len(), before + 2);
}

/// THREATS KE-03: signatures of a compromised key are invalid on every replica as soon as it has
/// reloaded its keys. New tokens are signed with a key that every verifier already has.
#[tokio::test]
async fn signatures_of_a_compromised_key_are_invalid() {
    let server = Server::start().await;
    let replica = server.replica().await;
    server.user("ada").await;
    let client = server.web_app().await;
    replica.app().confirm().await.unwrap();
    server.advance_clock(60 * 60);
    let tokens = server.obtain_tokens("ada", &client, "openid").await;
    let (access, id_token) = (tokens.token("access_token"), tokens.token("id_token"));
    assert!(server.is_active(&client, &access).await);
    let cached = published_jwks(&server).await;

    let app = server.app();
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let active = kid(&server, algorithm, State::Active).await;
        app.keyring.retire(&app.store, &active, true, &server.trace()).await.unwrap();
    }
    for one in [&server, &replica] {
        one.app().confirm().await.unwrap();
        assert!(!one.is_active(&client, &access).await);
        one.userinfo(&access).await.refused(401, "invalid_token");
        let hint = one.get(&format!("/logout?id_token_hint={id_token}")).await;
        assert_eq!(hint.status, 400, "{hint:?}");
        assert!(!is_signed_by(&published_jwks(one).await, &access));
    }

    let next = server.refresh(&client, &tokens.token("refresh_token"), "").await.ok();
    assert!(is_signed_by(&cached, &next.token("access_token")));
    assert!(is_signed_by(&cached, &next.token("id_token")));
    assert!(replica.is_active(&client, &next.token("access_token")).await);
}

/// The versions of a replaceable secret.
async fn secret_versions(server: &Server, name: &str) -> Vec<i64> {
    let rows = server_secrets::all(server.app().store.db()).await.unwrap();
    rows.into_iter().filter(|row| row.name == name).map(|row| row.version).collect()
}

/// THREATS EX-17: the MAC key of refresh tokens is rotated on schedule, and a replica that does not
/// have the new version yet reloads before it refuses a token. The previous version is read until the
/// last of its refresh tokens has expired, and is then deleted.
#[tokio::test]
async fn secrets_rotate_on_schedule_and_stay_readable_until_tokens_expire() {
    let server = Server::with(|config| {
        config.tokens.refresh_idle = Seconds(200 * DAY);
        config.tokens.refresh_absolute = Seconds(200 * DAY);
    })
    .await;
    let replica = server.replica().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let grant = async || {
        let tokens = server.obtain_tokens("ada", &client, "openid offline_access").await;
        tokens.token("refresh_token")
    };
    let (kept, used) = (grant().await, grant().await);

    server.advance_clock(30 * DAY);
    run_rotation_job(&server).await;
    let next = server.refresh(&client, &used, "").await.ok().token("refresh_token");

    assert_eq!(secret_versions(&server, "refresh-tokens").await, [1, 2]);
    assert!(next.len() > used.len(), "the token names the version");
    replica.refresh(&client, &next, "").await.ok();
    for days in [30, 139] {
        server.advance_clock(days * DAY);
        run_rotation_job(&server).await;
        assert!(
            secret_versions(&server, "refresh-tokens").await.contains(&1),
            "the previous version is still read"
        );
    }
    server.refresh(&client, &kept, "").await.ok();
    server.advance_clock(31 * DAY);
    run_rotation_job(&server).await;
    assert!(!secret_versions(&server, "refresh-tokens").await.contains(&1));
    for fixed in ["sid", "pairwise-subjects"] {
        assert_eq!(secret_versions(&server, fixed).await, [1], "{fixed}");
    }
    assert!(!server.audit_events("secret.replaced").await.is_empty());
}

/// THREATS EX-17: after a compromise of the secrets, tokens made with them are invalid on every
/// replica, genuine or forged, and the grants that could have been affected are revoked.
#[tokio::test]
async fn tokens_made_with_a_compromised_secret_are_invalid() {
    let server = Server::start().await;
    let replica = server.replica().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &client, "openid offline_access").await;
    server.obtain_tokens("ada", &client, "openid").await;
    let (refresh, access) = (tokens.token("refresh_token"), tokens.token("access_token"));

    server.advance_clock(1);
    let replaced = replace_secrets(&server, true).await;
    replica.app().confirm().await.unwrap();

    assert_eq!(replaced.grants, 2);
    for one in [&server, &replica] {
        one.refresh(&client, &refresh, "").await.refused(400, "invalid_grant");
        assert!(!one.is_active(&client, &access).await);
    }
    for name in ["refresh-tokens", "dpop-nonces", "pages"] {
        assert_eq!(secret_versions(&server, name).await, [2], "{name}");
    }
    assert_eq!(server.audit_events("secret.compromised").await.len(), 3);
    assert_eq!(server.audit_events("grants.revoked").await.len(), 1);
    let next = server.obtain_tokens("ada", &client, "openid offline_access").await;
    replica.refresh(&client, &next.token("refresh_token"), "").await.ok();
}

/// After an early replacement, tokens stay valid, and so do the subjects of users.
#[tokio::test]
async fn replacing_the_secrets_early_invalidates_no_token() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let tokens = server.obtain_tokens("ada", &client, "openid offline_access").await;

    let replaced = replace_secrets(&server, false).await;
    let again = replace_secrets(&server, false).await;

    assert_eq!((replaced.grants, again.grants), (0, 0));
    assert_eq!(again.secrets, [("dpop-nonces", 3), ("pages", 3), ("refresh-tokens", 3)]);
    let next = server.refresh(&client, &tokens.token("refresh_token"), "").await.ok();
    server.refresh(&client, &next.token("refresh_token"), "").await.ok();
}

/// A missing secret is not replaced while grants exist, because that would silently invalidate every
/// refresh token. Without grants it is replaced; with them, `--secrets --compromised` is the remedy.
#[tokio::test]
async fn the_server_does_not_start_with_a_missing_secret_while_grants_exist() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let lose = async || {
        let lose = sql("DELETE FROM server_secrets WHERE name = 'refresh-tokens'");
        lose.execute(server.app().store.db()).await.unwrap();
    };
    lose().await;
    open_with_keys(&server, &["A"]).await.unwrap().close().await;
    assert_eq!(secret_versions(&server, "refresh-tokens").await, [2]);
    server.app().confirm().await.unwrap();
    server.obtain_tokens("ada", &client, "openid").await;
    lose().await;

    let refused = open_with_keys(&server, &["A"]).await.unwrap_err();

    assert!(refused.contains("refresh-tokens is missing"), "{refused}");
    assert!(secret_versions(&server, "refresh-tokens").await.is_empty());
    server.advance_clock(1);
    assert_eq!(replace_secrets(&server, true).await.grants, 1);
    open_with_keys(&server, &["A"]).await.unwrap().close().await;
}

/// The clock was years ahead at the first start and is then corrected: keys that were dated by it are
/// rotated as if they had been made now, and those that signed meanwhile are retired.
#[tokio::test]
async fn keys_dated_in_the_future_are_rotated() {
    let server = Server::start().await;
    let first = kid(&server, Algorithm::Es256, State::Active).await;
    let pending = kid(&server, Algorithm::Es256, State::Pending).await;

    server.advance_clock(-3 * 365 * DAY);
    run_rotation_job(&server).await;
    assert_eq!(
        kid(&server, Algorithm::Es256, State::Active).await,
        first,
        "verifiers lack the next"
    );
    server.advance_clock(MAX_AGE + 30);
    run_rotation_job(&server).await;

    assert_eq!(kid(&server, Algorithm::Es256, State::Active).await, pending);
    server.advance_clock(2 * DAY);
    run_rotation_job(&server).await;
    assert!(!kids(&published_jwks(&server).await).contains(&first), "its signatures are invalid");
    assert_eq!(secret_versions(&server, "refresh-tokens").await, [1, 2]);
}

fn encryption_key(letter: &str) -> String {
    format!("{}=", letter.repeat(43))
}

/// The server's configuration with these key-encryption keys; the first one encrypts.
async fn open_with_keys(server: &Server, letters: &[&str]) -> Result<App, String> {
    let lines: Vec<_> = letters.iter().map(|letter| encryption_key(letter)).collect();
    let mut config = server.app().config.clone();
    config.keys.encryption_key = Some(EncryptionKeys::parse(&lines.join("\n")).unwrap());
    let opened = App::open(config, Clock::of(|| START_TIME * 1000), false).await;
    opened.map_err(|error| error.to_string())
}

/// Every sealed value in the database.
async fn sealed_values(server: &Server) -> Vec<Vec<u8>> {
    let db = server.app().store.db();
    let mut all: Vec<_> = signing_keys_of(server).await.into_iter().map(|key| key.sealed).collect();
    all.extend(server_secrets::all(db).await.unwrap().into_iter().map(|secret| secret.sealed));
    all.extend(
        gatewright::store::clients::sealed_secrets(db).await.unwrap().into_iter().map(|s| s.sealed),
    );
    let authorities = gatewright::store::authorities::all(db).await.unwrap();
    all.extend(authorities.into_iter().filter_map(|ca| ca.sealed));
    all
}

/// THREATS KE-04: the server does not start with a wrong key-encryption key, and changes nothing.
#[tokio::test]
async fn the_server_does_not_start_with_a_wrong_key_encryption_key() {
    let server = Server::start().await;
    let before = sealed_values(&server).await;

    let refused = open_with_keys(&server, &["E"]).await.unwrap_err();

    assert!(refused.contains("cannot be opened"), "{refused}");
    assert_eq!(sealed_values(&server).await, before);
}

/// THREATS KE-04: of two servers that start at once on a new database, each with its own key, one
/// initializes it. The other reports under which key the database is sealed, and stores nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_starts_with_different_keys_one_succeeds() {
    for _ in 0..12 {
        let database = Database::make().await;
        let timeout = std::time::Duration::from_secs(20);
        let limits = ConnectionLimits {
            connections: 1,
            acquire: timeout,
            statement: timeout,
            has_pooler: false,
        };
        // The schema exists, so that they race for the keys.
        let url = Secret::new(database.url.clone());
        Store::open(&url, &limits, OpenMode::Migrate).await.unwrap().close().await;
        let open = |letter: &'static str| {
            let mut config = Config::with_defaults(Issuer::parse(ISSUER).ok().unwrap());
            config.database.url = DatabaseUrl::new(database.url.clone());
            config.database.acquire_timeout = Seconds(20);
            config.database.statement_timeout = Seconds(20);
            config.keys.algorithms = vec![Algorithm::Es256];
            config.keys.encryption_key = EncryptionKeys::parse(&encryption_key(letter));
            let opened = App::open(config, Clock::of(|| START_TIME * 1000), false);
            tokio::spawn(async move { opened.await.map_err(|error| error.to_string()) })
        };

        let (one, other) = tokio::join!(open("E"), open("I"));

        let (won, lost) = match (one.unwrap(), other.unwrap()) {
            (Ok(won), Err(lost)) => ((won, "E"), (lost, "I")),
            (Err(lost), Ok(won)) => ((won, "I"), (lost, "E")),
            (Ok(_), Ok(_)) => panic!("both have started"),
            (Err(one), Err(other)) => panic!("neither has started: {one}; {other}"),
        };
        assert!(lost.0.contains("key-encryption key"), "{}", lost.0);
        won.0.close().await;
        open(won.1).await.unwrap().unwrap().close().await;
        let refused = open(lost.1).await.unwrap().unwrap_err();
        assert!(refused.contains("sealed under the key-encryption key"), "{refused}");
    }
}

/// THREATS KE-04: a missing key-encryption key is not replaced.
#[tokio::test]
async fn the_server_does_not_start_with_a_missing_key_encryption_key() {
    let server = Server::start().await;
    let before = sealed_values(&server).await;
    let directory =
        std::env::temp_dir().join(format!("gatewright_{}", uuid::Uuid::now_v7().simple()));
    let mut config = server.app().config.clone();
    config.keys.encryption_key = None;
    config.keys.dir = directory.clone();

    let refused = App::open(config, Clock::of(|| START_TIME * 1000), false).await;

    assert!(refused.unwrap_err().to_string().contains("restore it"));
    assert!(!directory.exists());
    assert_eq!(sealed_values(&server).await, before);
}

/// THREATS KE-04: with a new key everything is sealed again, and the old key can be removed. Access
/// tokens, refresh tokens and client secrets stay valid.
#[tokio::test]
async fn a_new_key_encryption_key_reseals_every_value() {
    let server = Server::start().await;
    server.user("ada").await;
    let web = server.web_app().await;
    let secret_client = server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_jwt",
        }))
        .await;
    server.administer_ca(async |ca| ca.init().await).await.unwrap();
    let tokens = server.obtain_tokens("ada", &web, "openid").await;
    let before = sealed_values(&server).await;

    open_with_keys(&server, &["E", "A"]).await.unwrap().close().await;
    assert!(sealed_values(&server).await.iter().all(|sealed| !before.contains(sealed)));
    let refused = open_with_keys(&server, &["A"]).await.unwrap_err();
    assert!(refused.contains("cannot be opened"), "{refused}");
    let alone = Some(EncryptionKeys::parse(&encryption_key("E")).unwrap());
    let server = server.replica_with(|config| config.keys.encryption_key = alone).await;
    server.issue_certificate(&web, &rcgen::KeyPair::generate().unwrap()).await.unwrap();

    assert!(server.is_active(&web, &tokens.token("access_token")).await);
    server.refresh(&web, &tokens.token("refresh_token"), "").await.ok();
    let now = server.trace().now().0;
    let claims = json!({
        "iss": secret_client.id, "sub": secret_client.id, "aud": ISSUER, "jti": "1", "exp": now + 60,
    });
    let jwt = hs256_jwt(secret_client.secret.as_bytes(), r#"{"alg":"HS256"}"#, claims.to_string());
    let form = format!(
        "grant_type=client_credentials&client_assertion={jwt}&client_assertion_type=\
         urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    server.post("/token", &form).await.ok();
}
