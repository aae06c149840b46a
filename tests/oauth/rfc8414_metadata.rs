//! RFC 8414, Authorization Server Metadata; OpenID Connect Discovery 1.0; RFC 7517, the JWK Set.

use gatewright::config::Issuer;
use serde_json::{Value, json};

use kit::server::{ISSUER, Server};

const WELL_KNOWN_PATHS: [&str; 2] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// > The "issuer" value returned MUST be identical to the authorization server's issuer identifier value
/// > into which the well-known URI string was inserted to create the URL used to retrieve the metadata.
/// > (RFC 8414 §3.3); THREATS JO-22
#[tokio::test]
async fn the_issuer_is_the_configured_one_regardless_of_request_headers() {
    let server = Server::start().await;

    for page in WELL_KNOWN_PATHS {
        let request = server.request("GET", page);
        let request =
            request.header("x-forwarded-host", "evil.example").header("x-forwarded-proto", "http");
        let response = request.header("forwarded", "host=evil.example").send().await.ok();

        assert_eq!(response.body["issuer"], ISSUER);
        assert!(!response.text.contains("evil"));
    }
    let absolute = server.get(&format!("http://evil.example{}", WELL_KNOWN_PATHS[0])).await.ok();
    assert!(!absolute.text.contains("evil"), "the host of an absolute-form target is ignored");
}

/// The two documents are identical: OAuth and OpenID Connect clients read the same metadata.
#[tokio::test]
async fn both_metadata_documents_are_identical() {
    let server = Server::start().await;

    let (openid, oauth) =
        (server.get(WELL_KNOWN_PATHS[0]).await.ok(), server.get(WELL_KNOWN_PATHS[1]).await.ok());

    assert_eq!(openid.text, oauth.text);
    assert_eq!(openid.header("content-type"), "application/json; charset=utf-8");
}

/// > the well-known URI string […] MUST be formed by inserting a well-known URI string into the
/// > authorization server's issuer identifier between the host component and the path component (§3.1);
/// > concatenating the string /.well-known/openid-configuration to the Issuer (OIDC Discovery §4)
#[tokio::test]
async fn metadata_of_an_issuer_with_a_path_is_found_at_both_urls() {
    let issuer = "https://id.example.org/tenant";
    let server = Server::with(|config| config.issuer = Issuer::parse(issuer).ok().unwrap()).await;

    for page in WELL_KNOWN_PATHS {
        for target in [format!("/tenant{page}"), format!("{page}/tenant")] {
            let metadata = server.get(&target).await.ok().body;
            assert_eq!(metadata["issuer"], issuer, "{target}");
            assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"));
        }
        assert_eq!(server.get(page).await.status, 404, "the URL of another issuer");
    }
    assert_eq!(server.get("/tenant/jwks").await.status, 200);
    assert_eq!(server.get("/jwks").await.status, 404);
}

/// THREATS JO-22: metadata lists only what is implemented. Every endpoint in it exists, and its lists
/// are complete.
#[tokio::test]
async fn every_advertised_endpoint_exists() {
    let server = Server::start().await;
    let metadata = server.get(WELL_KNOWN_PATHS[0]).await.ok().body;

    for (endpoint, path) in [
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
        ("jwks_uri", "/jwks"),
    ] {
        assert_eq!(metadata[endpoint], format!("{ISSUER}{path}"));
        assert_ne!(server.get(path).await.status, 404, "{path}");
    }
    for (list, holds) in [
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "fragment", "form_post"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("subject_types_supported", json!(["public", "pairwise"])),
        ("id_token_signing_alg_values_supported", json!(["RS256", "ES256"])),
    ] {
        let mut advertised: Vec<Value> = metadata[list].as_array().unwrap().clone();
        let mut wanted: Vec<Value> = holds.as_array().unwrap().clone();
        advertised.sort_by_key(ToString::to_string);
        wanted.sort_by_key(ToString::to_string);
        assert_eq!(advertised, wanted, "{list}");
    }
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["request_parameter_supported"], false);
    for (name, _) in metadata.as_object().unwrap() {
        assert!(!name.starts_with("request_object_"), "{name}: there are no request objects");
    }
}

/// > This specification defines [...] tls_client_auth [...] self_signed_tls_client_auth (RFC 8705 §2.1.1,
/// > §2.2.1); tls_client_certificate_bound_access_tokens (§3.3)
///
/// They are listed where the server receives client certificates, and nowhere else (THREATS JO-22).
#[tokio::test]
async fn certificate_methods_are_advertised_where_certificates_are_received() {
    let without_certificates = Server::start().await;
    let (with_certificates, _) = kit::client_certificates::server_behind_proxy().await;
    for (server, is_advertised) in [(&without_certificates, false), (&with_certificates, true)] {
        let metadata = server.get(WELL_KNOWN_PATHS[0]).await.ok().body;

        for list in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
            let methods = metadata[format!("{list}_auth_methods_supported")].to_string();
            for method in ["\"tls_client_auth\"", "\"self_signed_tls_client_auth\""] {
                assert_eq!(methods.contains(method), is_advertised, "{list}: {methods}");
            }
        }
        let bound = &metadata["tls_client_certificate_bound_access_tokens"];
        assert_eq!(bound.as_bool(), is_advertised.then_some(true));
    }
}

/// RFC 9110 §13.1.2: a client that has the current document gets 304 without content.
#[tokio::test]
async fn documents_are_cacheable_and_support_conditional_requests() {
    let server = Server::start().await;

    for page in WELL_KNOWN_PATHS.into_iter().chain(["/jwks"]) {
        let first = server.get(page).await.ok();
        let etag = first.header("etag").to_owned();
        let again = server.request("GET", page).header("if-none-match", &etag).send().await;
        let other = server.request("GET", page).header("if-none-match", "\"other\"").send().await;

        assert_eq!(first.header("cache-control"), "public, max-age=900");
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{page}");
        assert_eq!(
            (again.header("etag"), again.header("cache-control")),
            (&*etag, "public, max-age=900")
        );
        assert_eq!((other.status, &other.text), (200, &first.text));
    }
}

/// RFC 9110 §9.3.2: HEAD is GET without the content, for resources that are only read.
#[tokio::test]
async fn documents_support_head() {
    let server = Server::start().await;

    for page in WELL_KNOWN_PATHS.into_iter().chain(["/jwks"]) {
        let (get, head) = (server.get(page).await, server.request("HEAD", page).send().await);

        assert_eq!((head.status, head.text.as_str()), (200, ""), "{page}");
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(head.header("etag"), get.header("etag"));
    }
}

/// RFC 7517 §5; THREATS KE-05: public members only, with `use`, `kid` and `alg`.
#[tokio::test]
async fn the_jwks_contains_public_keys_only() {
    let server = Server::start().await;

    let jwks = server.get("/jwks").await.ok().body;

    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 4, "an active and a pending key for each algorithm");
    for key in keys {
        let key = key.as_object().unwrap();
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(!key.contains_key(private), "{private}");
        }
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].is_string() && key["alg"].is_string());
    }
}

/// DESIGN §4: discovery documents and JWKS can be read from any origin, without credentials.
#[tokio::test]
async fn documents_are_readable_from_any_origin() {
    let server = Server::start().await;

    for page in WELL_KNOWN_PATHS.into_iter().chain(["/jwks"]) {
        let response =
            server.request("GET", page).header("origin", "https://any.example").send().await;

        assert_eq!(response.header("access-control-allow-origin"), "*", "{page}");
        assert_eq!(response.header("access-control-allow-credentials"), "");
    }
}
