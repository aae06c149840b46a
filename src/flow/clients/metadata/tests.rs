//! What may be registered. Each line is one rule broken in a document that is otherwise good.

use serde_json::{Value, json};

use super::*;
use crate::config::{Config, Issuer};
use crate::jose::SigningKey;

fn read(changes: &Value) -> Metadata {
    let mut document = json!({ "redirect_uris": ["https://rp.example/cb"] });
    if let (Some(document), Some(changes)) = (document.as_object_mut(), changes.as_object()) {
        document.extend(changes.clone());
    }
    serde_json::from_value(document).unwrap()
}

fn validated(changes: &Value) -> Result<Metadata, Refusal> {
    validate(read(changes), &Config::with_defaults(Issuer::default()))
}

fn keys(algorithm: Algorithm) -> Value {
    json!({ "keys": [SigningKey::generate(algorithm).unwrap().0.public_jwk()] })
}

fn beside_an_unknown_key() -> Value {
    let mut keys = keys(Algorithm::Es256);
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA" });
    keys["keys"].as_array_mut().unwrap().insert(0, unknown);
    keys
}

/// FAPI 2.0 Security Profile §5.3.2.1, §5.4.1: the error names the first requirement that the client does
/// not meet, and for a client that meets all of them, what this server lacks.
#[test]
fn the_fapi_profile_names_what_a_client_lacks() {
    let mut client = json!({ "gw_profile": "fapi2" });
    for (missing, mended) in [
        ("token_endpoint_auth_method", json!({ "token_endpoint_auth_method": "private_key_jwt" })),
        ("dpop_bound_access_tokens", json!({ "dpop_bound_access_tokens": true })),
        ("gw_require_pkce", json!({ "gw_require_pkce": true })),
        ("PS256, ES256 and EdDSA", json!({ "id_token_signed_response_alg": "ES256" })),
        ("https in redirect_uris", json!({ "redirect_uris": ["https://rp.example/cb"] })),
        ("pushed authorization requests", json!({})),
    ] {
        let mut wrong = client.clone();
        wrong["jwks"] = keys(Algorithm::Ps256);
        if client["gw_require_pkce"].is_null() {
            wrong["gw_require_pkce"] = json!(false);
        }
        if client["redirect_uris"].is_null() {
            wrong["application_type"] = json!("native");
            wrong["redirect_uris"] = json!(["com.example.app:/cb"]);
        }
        let refusal = validated(&wrong).unwrap_err();
        assert!(refusal.why.starts_with("gw_profile is fapi2"), "{refusal}");
        assert!(refusal.why.contains(missing), "{missing}: {refusal}");
        client.as_object_mut().unwrap().extend(mended.as_object().unwrap().clone());
    }
    client["token_endpoint_auth_signing_alg"] = json!("RS256");
    client["jwks"] = keys(Algorithm::Rs256);
    assert!(validated(&client).unwrap_err().why.contains("PS256, ES256 and EdDSA"));
}

/// A client of `tls_client_auth` with these names.
fn by_certificate(mut names: Value) -> Value {
    names["token_endpoint_auth_method"] = json!("tls_client_auth");
    names
}

/// RFC 8705 §2.1.2, "exactly one"; §2.2.2. THREATS MT-01
#[test]
fn exactly_one_complete_certificate_name_is_registered() {
    for changes in [
        by_certificate(
            json!({ "tls_client_auth_subject_dn": "CN=a", "tls_client_auth_san_dns": "a.example" }),
        ),
        by_certificate(
            json!({ "tls_client_auth_san_ip": "::1", "tls_client_auth_san_email": "a@b.example" }),
        ),
        json!({ "tls_client_auth_subject_dn": "CN=a" }),
        json!({ "token_endpoint_auth_method": "none", "tls_client_auth_san_dns": "a.example" }),
        by_certificate(json!({ "tls_client_auth_subject_dn": "" })),
        by_certificate(json!({ "tls_client_auth_subject_dn": "Backup" })),
        by_certificate(json!({ "tls_client_auth_subject_dn": "CN=a, O=b" })),
        by_certificate(json!({ "tls_client_auth_subject_dn": "/C=DE/CN=a" })),
        by_certificate(json!({ "tls_client_auth_san_dns": "*.example.org" })),
        by_certificate(json!({ "tls_client_auth_san_dns": "a.example." })),
        by_certificate(json!({ "tls_client_auth_san_dns": "bücher.example" })),
        by_certificate(json!({ "tls_client_auth_san_dns": "" })),
        by_certificate(json!({ "tls_client_auth_san_uri": "backup" })),
        by_certificate(json!({ "tls_client_auth_san_uri": "spiffe://example.org/b c" })),
        by_certificate(json!({ "tls_client_auth_san_email": "backup" })),
        by_certificate(json!({ "tls_client_auth_san_email": "Backup <a@b.example>" })),
        by_certificate(json!({ "tls_client_auth_san_email": "@b.example" })),
        by_certificate(
            json!({ "tls_client_auth_san_dns": "a.example", "token_endpoint_auth_signing_alg": "ES256" }),
        ),
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" }),
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": keys(Algorithm::Es256) }),
    ] {
        let refused = validated(&changes).unwrap_err();
        assert_eq!(refused.code, Code::InvalidClientMetadata, "{changes}");
    }
    for address in ["192.0.2.256", "192.0.2.0/24", "host", "1"] {
        let mut document = by_certificate(json!({ "tls_client_auth_san_ip": address }));
        document["redirect_uris"] = json!(["https://rp.example/cb"]);
        assert!(serde_json::from_value::<Metadata>(document).is_err(), "{address}");
    }
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let metadata = validated(&json!({})).unwrap();

    assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(metadata.response_types, [ResponseType::Code]);
    assert_eq!(metadata.id_token_signed_response_alg, Algorithm::Rs256);
    assert!(metadata.gw_require_pkce);
}

#[test]
fn valid_metadata_is_registered() {
    for changes in [
        json!({ "grant_types": ["authorization_code", "refresh_token", "client_credentials"] }),
        json!({ "grant_types": ["client_credentials"], "redirect_uris": [] }),
        json!({ "grant_types": [], "redirect_uris": [], "gw_resources": ["https://api.example"] }),
        json!({ "token_endpoint_auth_method": "none", "application_type": "native",
                "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"] }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys(Algorithm::Es256),
                "token_endpoint_auth_signing_alg": "ES256", "gw_assertion_audience": "endpoints" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://rp.example/jwks" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256" }),
        by_certificate(json!({ "tls_client_auth_subject_dn": "CN=Backup,O=Example,C=DE" })),
        by_certificate(json!({ "tls_client_auth_san_dns": "backup.example.org" })),
        by_certificate(
            json!({ "tls_client_auth_san_uri": "spiffe://example.org/ns/prod/sa/backup" }),
        ),
        by_certificate(json!({ "tls_client_auth_san_uri": "urn:example:client:7" })),
        by_certificate(json!({ "tls_client_auth_san_ip": "2001:db8::7" })),
        by_certificate(json!({ "tls_client_auth_san_email": "backup@example.org" })),
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": "https://rp.example/jwks",
                "tls_client_certificate_bound_access_tokens": true }),
        json!({ "subject_type": "pairwise",
                "redirect_uris": ["https://rp.example/a", "https://rp.example:8443/b"] }),
        json!({ "gw_require_pkce": false }),
        json!({ "gw_require_pkce": false, "gw_require_nonce": false }),
        json!({ "gw_id_token_claims": "scopes" }),
        json!({ "gw_id_token_claims": ["name", "email", "address"] }),
        json!({ "gw_default_audience": ["https://api.example", "https://id.example.org"] }),
        json!({ "application_type": "native", "redirect_uris": ["cursor://anysphere.cursor/cb"],
                "gw_allowed_schemes": ["vscode", "cursor"] }),
        // RFC 7517 §5: a key of an unknown type beside a key of a known one.
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": beside_an_unknown_key() }),
        json!({ "gw_allowed_origins": ["https://app.example", "http://localhost:3000"] }),
        json!({ "client_name": "Bücher & Söhne 📚", "contacts": ["it@rp.example"] }),
        json!({ "userinfo_signed_response_alg": "EdDSA", "id_token_signed_response_alg": "ES384" }),
        json!({ "gw_access_token_lifetime": 86_400, "default_max_age": 0 }),
    ] {
        let validated = validated(&changes);
        assert!(validated.is_ok(), "{changes}: {validated:?}");
    }
}

#[test]
fn a_client_without_users_has_no_defaults_for_users() {
    let metadata = validated(&json!({
        "grant_types": ["client_credentials", "client_credentials"],
        "redirect_uris": [],
        "scope": "write openid read offline_access",
    }))
    .unwrap();

    assert_eq!(metadata.grant_types, [GrantType::ClientCredentials]);
    assert!(metadata.response_types.is_empty());
    assert_eq!(metadata.scope, "read write");
}

/// RFC 7591 §3.2.2; THREATS AZ-06, TE-21, JO-10, DC-06, DC-07.
#[test]
fn contradictory_or_insecure_metadata_is_refused() {
    let mut private = keys(Algorithm::Es256);
    private["keys"][0]["d"] = "AAAA".into();
    let long = "a".repeat(201);
    let many: Vec<_> = (0..65).map(|n| format!("https://rp.example/{n}")).collect();
    for (changes, expected) in [
        (json!({ "response_types": [] }), "response_types"),
        (json!({ "grant_types": ["refresh_token"], "redirect_uris": [] }), "refresh_token"),
        (
            json!({ "grant_types": ["client_credentials"], "redirect_uris": [],
                    "token_endpoint_auth_method": "none" }),
            "client_credentials",
        ),
        (
            json!({ "grant_types": [], "redirect_uris": [], "token_endpoint_auth_method": "none" }),
            "grant_types",
        ),
        (json!({ "grant_types": ["client_credentials"] }), "redirect_uris"),
        (
            json!({ "gw_require_pkce": false, "token_endpoint_auth_method": "none" }),
            "gw_require_pkce",
        ),
        (json!({ "gw_require_pkce": false, "scope": "email" }), "gw_require_pkce"),
        (json!({ "gw_require_nonce": false }), "gw_require_nonce"),
        (
            json!({ "gw_require_nonce": false, "gw_require_pkce": false,
                    "token_endpoint_auth_method": "none" }),
            "gw_require_nonce",
        ),
        (json!({ "gw_id_token_claims": ["name", "sub"] }), "gw_id_token_claims"),
        (json!({ "gw_id_token_claims": ["gw_grant"] }), "gw_id_token_claims"),
        (json!({ "gw_allowed_schemes": ["javascript"] }), "gw_allowed_schemes"),
        (json!({ "gw_allowed_schemes": ["VSCode"] }), "gw_allowed_schemes"),
        (
            json!({ "gw_default_audience":
                    (0..9).map(|n| format!("https://{n}.example")).collect::<Vec<_>>() }),
            "more than 8",
        ),
        (json!({ "gw_default_audience": ["https://a.example", "api"] }), "gw_default_audience"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "neither jwks nor jwks_uri"),
        (
            json!({ "jwks": keys(Algorithm::Es256), "jwks_uri": "https://rp.example/jwks" }),
            "both present",
        ),
        (json!({ "jwks": { "keys": [] } }), "jwks"),
        (json!({ "jwks": private }), "jwks"),
        (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), "jwks"),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys(Algorithm::Es256),
                    "token_endpoint_auth_signing_alg": "EdDSA" }),
            "jwks has no key",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys(Algorithm::Es256),
                    "token_endpoint_auth_signing_alg": "HS256" }),
            "HS256",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt",
                    "token_endpoint_auth_signing_alg": "RS256" }),
            "HS256",
        ),
        (json!({ "token_endpoint_auth_signing_alg": "RS256" }), "signs nothing"),
        (json!({ "gw_assertion_audience": "endpoints" }), "gw_assertion_audience"),
        (json!({ "id_token_signed_response_alg": "HS256" }), "id_token_signed_response_alg"),
        (json!({ "userinfo_signed_response_alg": "HS256" }), "userinfo_signed_response_alg"),
        (
            json!({ "subject_type": "pairwise",
                    "redirect_uris": ["https://a.example/cb", "https://b.example/cb"] }),
            "pairwise",
        ),
        (
            json!({ "subject_type": "pairwise", "application_type": "native",
                    "redirect_uris": ["com.example.app:/cb"] }),
            "pairwise",
        ),
        (json!({ "client_uri": "http://rp.example" }), "client_uri"),
        (json!({ "logo_uri": "JaVaScRiPt:alert(1)" }), "logo_uri"),
        (json!({ "policy_uri": "data:text/html,x" }), "policy_uri"),
        (json!({ "tos_uri": "vbscript:x" }), "tos_uri"),
        (json!({ "jwks_uri": "file:///etc/passwd" }), "jwks_uri"),
        (json!({ "jwks_uri": "http://localhost/jwks" }), "jwks_uri"),
        (json!({ "jwks_uri": "https://user@rp.example/jwks" }), "jwks_uri"),
        (json!({ "sector_identifier_uri": "http://rp.example/s" }), "sector_identifier_uri"),
        (json!({ "gw_allowed_origins": ["*"] }), "gw_allowed_origins"),
        (json!({ "gw_allowed_origins": ["null"] }), "gw_allowed_origins"),
        (json!({ "gw_allowed_origins": ["https://app.example/"] }), "gw_allowed_origins"),
        (json!({ "gw_allowed_origins": ["https://app.example:443"] }), "gw_allowed_origins"),
        (json!({ "gw_allowed_origins": ["http://app.example"] }), "gw_allowed_origins"),
        (json!({ "gw_allowed_origins": ["https://*.example"] }), "gw_allowed_origins"),
        (json!({ "gw_access_token_lifetime": 86_401 }), "gw_access_token_lifetime"),
        (json!({ "gw_access_token_lifetime": 0 }), "gw_access_token_lifetime"),
        (json!({ "gw_access_token_lifetime": -1 }), "gw_access_token_lifetime"),
        (json!({ "default_max_age": -1 }), "default_max_age"),
        (json!({ "gw_resources": ["api"] }), "gw_resources"),
        (json!({ "gw_default_audience": "https://api.example/#x" }), "gw_default_audience"),
        (
            json!({ "gw_resources": ["https://api.example"], "token_endpoint_auth_method": "none" }),
            "gw_resources",
        ),
        (json!({ "scope": "a\"b" }), "scope"),
        (json!({ "client_name": "Bank\u{202e}knaB" }), "client_name"),
        (json!({ "client_name": "a\nb" }), "client_name"),
        (json!({ "client_name": long }), "client_name"),
        (json!({ "software_version": "\0" }), "software_version"),
        (json!({ "contacts": ["nobody"] }), "contacts"),
        (json!({ "default_acr_values": ["a b"] }), "default_acr_values"),
        (json!({ "gw_allowed_resources": many }), "64"),
    ] {
        let refusal = validated(&changes).expect_err(&changes.to_string());
        assert_eq!(refusal.code, Code::InvalidClientMetadata, "{changes}: {refusal}");
        assert!(refusal.why.contains(expected), "{changes}: {refusal}");
    }
    for uris in [json!([]), json!(["http://rp.example/cb"]), json!(["com.example.app:/cb"])] {
        let refusal = validated(&json!({ "redirect_uris": uris })).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRedirectUri, "{uris}: {refusal}");
    }
    let after_logout = json!({ "post_logout_redirect_uris": ["javascript:alert(1)"] });
    assert_eq!(validated(&after_logout).unwrap_err().code, Code::InvalidRedirectUri);
}

/// RFC 7591 §2.2; BCP 47. A document has each member in each language once, whatever the case of the tag.
#[test]
fn names_and_links_may_be_in_languages() {
    let metadata = validated(&json!({
        "client_name": "Books",
        "client_name#DE-at": "Bücher",
        "policy_uri#de": "https://rp.example/datenschutz",
    }))
    .unwrap();
    let stored = json!(metadata);
    assert_eq!(stored["client_name#de-AT"], "Bücher");
    assert_eq!(serde_json::from_value::<Metadata>(stored).unwrap(), metadata);
    assert_eq!(metadata.policy_uri_in("de"), Some("https://rp.example/datenschutz"));
    assert_eq!(metadata.policy_uri_in("fr"), None);

    for (name, expected) in [
        ("client_name#", "not a language tag"),
        ("client_name#d", "not a language tag"),
        ("client_name#de_AT", "not a language tag"),
        ("client_name#de#at", "not a language tag"),
        ("logo_uri#de", "can be in a language"),
        ("scope#de", "can be in a language"),
        ("client_nam", "unknown field `client_nam`"),
    ] {
        let document = json!({ "redirect_uris": ["https://rp.example/cb"], name: "x" });
        let error = serde_json::from_value::<Metadata>(document).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
    let twice = r#"{ "client_name#de": "Eins", "client_name#DE": "Zwei" }"#;
    let error = serde_json::from_str::<Metadata>(twice).unwrap_err().to_string();
    assert!(error.contains("is a duplicate"), "{error}");

    let languages = (0..65).map(|n| (format!("client_name#de-x{n:04}"), json!("x")));
    for (changes, expected) in [
        (json!({ "client_name#de": "" }), "client_name in a language"),
        (json!({ "client_name#de": "a\nb" }), "client_name in a language"),
        (json!({ "client_name#de": "Bank\u{202e}knaB" }), "client_name in a language"),
        (json!({ "client_name#de": "x".repeat(201) }), "client_name in a language"),
        (json!({ "tos_uri#de": "http://rp.example/" }), "tos_uri in a language"),
        (json!({ "client_uri#de": "javascript:alert(1)" }), "client_uri, policy_uri"),
        (Value::Object(languages.collect()), "64 languages"),
    ] {
        let refusal = validated(&changes).expect_err(&changes.to_string());
        assert_eq!(refusal.code, Code::InvalidClientMetadata, "{changes}: {refusal}");
        assert!(refusal.why.contains(expected), "{changes}: {refusal}");
    }
}

#[test]
fn a_developer_may_name_a_loopback_address_where_the_server_may_fetch_from_one() {
    let mut config = Config::with_defaults(Issuer::default());
    let metadata = read(&json!({ "jwks_uri": "http://localhost:3000/jwks" }));

    assert!(validate(metadata.clone(), &config).is_err());
    config.outbound.allow_private_networks = true;
    assert!(validate(metadata, &config).is_ok());
}

/// OIDC Core §8.1; THREATS JO-23.
#[test]
fn a_sector_names_every_redirect_uri() {
    let metadata =
        read(&json!({ "redirect_uris": ["https://a.example/cb", "https://b.example/cb"] }));

    for (document, is_in) in [
        (json!(["https://b.example/cb", "https://a.example/cb", "https://c.example/cb"]), true),
        (json!(["https://a.example/cb"]), false),
        (json!(["https://a.example/cb", "https://b.example/cb/"]), false),
        (json!([["https://a.example/cb", "https://b.example/cb"]]), false),
        (json!({ "redirect_uris": ["https://a.example/cb", "https://b.example/cb"] }), false),
        (json!([]), false),
    ] {
        assert_eq!(must_be_in_sector(&metadata, &document).is_ok(), is_in, "{document}");
    }
}
