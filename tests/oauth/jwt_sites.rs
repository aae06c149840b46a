//! THREATS M5: every site that accepts a JWT × every way in which a JWT can be invalid (§1.F, JO-01 to
//! JO-08, JO-12, JO-13, JO-15). Wherever possible the JWT is signed with the right key, so that the
//! mutation is its only fault.

use axum::http::{HeaderMap, Method};
use gatewright::config::{CertificateHeader, GatewayRoute, OriginalRequest};
use gatewright::jose::base64url;
use gatewright::types::Scope;
use gatewright::verify::{Error, Fetched, IssuerKeys, ResourceRequest, Verifier};
use serde_json::{Value, json};

use kit::browser::{Browser, authorize_target};
use kit::client_certificates::trust_proxy;
use kit::dpop;
use kit::jwt::{DpopKey, JwtSigner, hs256_jwt, unverified_claims};
use kit::server::{Client, ISSUER, Server};

/// An endpoint, or a function of the library, that accepts a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    /// `id_token_hint`, OIDC Core §3.1.2.1.
    HintAtAuthorize,
    /// `id_token_hint`, OIDC RP-Initiated Logout §2.
    HintAtLogout,
    /// `client_assertion` under a key of the client's.
    PrivateKeyJwt,
    /// `client_assertion` under a shared secret.
    ClientSecretJwt,
    /// RFC 6750 §2.1.
    UserInfo,
    /// RFC 7662 §2.1.
    Introspection,
    /// RFC 7009 §2.1: revokes what it accepts as a token of this server.
    Revocation,
    /// The `DPoP` header at the token endpoint, RFC 9449 §5.
    ProofAtToken,
    /// The `DPoP` header beside an access token, RFC 9449 §7.
    ProofAtUserInfo,
    /// `/verify`, called by gateways: docs/gateways.md.
    Verify,
    /// The `DPoP` header that a gateway passes on.
    ProofAtVerify,
    /// [`gatewright::verify`] in an API.
    Library,
    /// The `DPoP` header of a request to such an API.
    ProofAtLibrary,
}

/// A kind of JWT that the server issues or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    IdToken,
    AccessToken,
    UserInfo,
    Assertion,
    Proof,
}

impl Site {
    const ALL: [Self; 13] = [
        Self::HintAtAuthorize,
        Self::HintAtLogout,
        Self::PrivateKeyJwt,
        Self::ClientSecretJwt,
        Self::UserInfo,
        Self::Introspection,
        Self::Revocation,
        Self::ProofAtToken,
        Self::ProofAtUserInfo,
        Self::Verify,
        Self::ProofAtVerify,
        Self::Library,
        Self::ProofAtLibrary,
    ];

    /// The kind that it expects.
    const fn expected_kind(self) -> Kind {
        match self {
            Self::HintAtAuthorize | Self::HintAtLogout => Kind::IdToken,
            Self::PrivateKeyJwt | Self::ClientSecretJwt => Kind::Assertion,
            Self::UserInfo
            | Self::Introspection
            | Self::Revocation
            | Self::Verify
            | Self::Library => Kind::AccessToken,
            Self::ProofAtToken
            | Self::ProofAtUserInfo
            | Self::ProofAtVerify
            | Self::ProofAtLibrary => Kind::Proof,
        }
    }

    /// Whether an access token accompanies the proof.
    const fn has_access_token(self) -> bool {
        match self {
            Self::ProofAtUserInfo | Self::ProofAtVerify | Self::ProofAtLibrary => true,
            Self::HintAtAuthorize
            | Self::HintAtLogout
            | Self::PrivateKeyJwt
            | Self::ClientSecretJwt
            | Self::UserInfo
            | Self::Introspection
            | Self::Revocation
            | Self::ProofAtToken
            | Self::Verify
            | Self::Library => false,
        }
    }
}

/// A user with a session, the clients, and all keys.
struct Fixture {
    server: Server,
    cookies: std::collections::BTreeMap<String, String>,
    web_app: Client,
    private_key_client: Client,
    secret_client: Client,
    server_signer: JwtSigner,
    client_signer: JwtSigner,
    id_token: Value,
    access_token: Value,
    key: DpopKey,
    service: Client,
    /// An access token that is bound to `key`.
    bound_token: String,
    /// An API that verifies tokens locally.
    verifier: Verifier,
}

const POST_LOGOUT_URI: &str = "https://app.example/bye";

impl Fixture {
    async fn new() -> Self {
        let server = Server::with(|config| {
            trust_proxy(config, CertificateHeader::None);
            config.verify.routes = vec![GatewayRoute {
                name: "ours".to_owned(),
                audience: ISSUER.to_owned(),
                scope: Scope::default(),
                origin: Some(ISSUER.to_owned()),
                original: OriginalRequest::XOriginal,
            }];
        })
        .await;
        server.user("ada").await;
        let published = server.get("/jwks").await.ok().text;
        let keys = IssuerKeys::new(move |_| {
            let body = published.clone().into_bytes();
            async move { Ok(Fetched::Document { body, etag: None, max_age: None }) }
        });
        let verifier = Verifier::new(ISSUER, ISSUER, keys);
        let web_app = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "post_logout_redirect_uris": [POST_LOGOUT_URI],
                "scope": "openid",
                "id_token_signed_response_alg": "ES256",
                "userinfo_signed_response_alg": "ES256",
            }))
            .await;
        let client_signer = JwtSigner::new();
        let private_key_client = server
            .register(json!({
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [client_signer.jwk()] },
            }))
            .await;
        let secret_client = server
            .register(json!({
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "client_secret_jwt",
            }))
            .await;
        let server_signer = JwtSigner::from_server(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.authorize("ada", &web_app, "openid", "").await;
        let cookies = browser.cookies;
        let tokens = server.redeem(&web_app, &page.parameter("code")).await.ok();
        let id_token = unverified_claims(&tokens.token("id_token"));
        let access_token = unverified_claims(&tokens.token("access_token"));
        let (key, service) = (DpopKey::new(), server.service().await);
        let page = {
            let mut browser = Browser::new(&server);
            browser.cookies = cookies.clone();
            browser.open(&authorize_target(&web_app, "openid")).await
        };
        let request = server.redeem_request(&web_app, &page.parameter("code"));
        let bound_token = request.dpop(&key.proof(&server)).send().await.ok().token("access_token");
        Self {
            server,
            cookies,
            web_app,
            private_key_client,
            secret_client,
            server_signer,
            client_signer,
            id_token,
            access_token,
            key,
            service,
            bound_token,
            verifier,
        }
    }

    /// A valid payload for this site, unique where uniqueness matters.
    fn payload(&self, site: Site) -> Value {
        let assertion = |client: &Client| {
            let now = self.server.trace().now().0;
            let jti = uuid::Uuid::now_v7().to_string();
            json!({
                "iss": client.id, "sub": client.id, "aud": ISSUER, "jti": jti,
                "iat": now, "nbf": now, "exp": now + 60,
            })
        };
        match site {
            Site::HintAtAuthorize | Site::HintAtLogout => self.id_token.clone(),
            Site::PrivateKeyJwt => assertion(&self.private_key_client),
            Site::ClientSecretJwt => assertion(&self.secret_client),
            Site::UserInfo | Site::Introspection | Site::Verify | Site::Library => {
                self.access_token.clone()
            }
            Site::Revocation => {
                let mut token = self.access_token.clone();
                token["jti"] = json!(uuid::Uuid::now_v7().to_string());
                token
            }
            Site::ProofAtToken => self.key.claims(&self.server, "POST", "/token"),
            // The same request in all three; the way it is described differs.
            Site::ProofAtUserInfo | Site::ProofAtVerify | Site::ProofAtLibrary => {
                unverified_claims(&self.key.proof_with_token(
                    &self.server,
                    "GET",
                    &self.bound_token,
                ))
            }
        }
    }

    /// Signs with the key that this site trusts.
    fn sign(&self, site: Site, header: &str, payload: &[u8]) -> String {
        match site {
            Site::ClientSecretJwt => {
                hs256_jwt(self.secret_client.secret.as_bytes(), header, payload)
            }
            Site::PrivateKeyJwt => self.client_signer.compact(header, payload),
            Site::ProofAtToken
            | Site::ProofAtUserInfo
            | Site::ProofAtVerify
            | Site::ProofAtLibrary => self.key.compact(header, payload),
            Site::HintAtAuthorize
            | Site::HintAtLogout
            | Site::UserInfo
            | Site::Introspection
            | Site::Revocation
            | Site::Verify
            | Site::Library => self.server_signer.compact(header, payload),
        }
    }

    /// A valid header with these members added.
    fn header(&self, site: Site, more: &str) -> String {
        match site {
            Site::ClientSecretJwt => format!(r#"{{"alg":"HS256","typ":"JWT"{more}}}"#),
            Site::PrivateKeyJwt => self.client_signer.header(&format!(r#","typ":"JWT"{more}"#)),
            Site::HintAtAuthorize | Site::HintAtLogout => {
                self.server_signer.header(&format!(r#","typ":"JWT"{more}"#))
            }
            Site::UserInfo
            | Site::Introspection
            | Site::Revocation
            | Site::Verify
            | Site::Library => self.server_signer.header(&format!(r#","typ":"at+jwt"{more}"#)),
            Site::ProofAtToken
            | Site::ProofAtUserInfo
            | Site::ProofAtVerify
            | Site::ProofAtLibrary => {
                let jwk = &self.key.jwk;
                format!(r#"{{"alg":"ES256","typ":"dpop+jwt","jwk":{jwk}{more}}}"#)
            }
        }
    }

    fn valid_jwt(&self, site: Site) -> String {
        self.sign(site, &self.header(site, ""), self.payload(site).to_string().as_bytes())
    }

    /// Whether this site accepts the JWT.
    async fn accepts(&self, site: Site, jwt: &str) -> bool {
        let server = &self.server;
        let pair = |name, value: &str| {
            form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
        };
        match site {
            Site::HintAtAuthorize => {
                let mut browser = Browser::new(server);
                browser.cookies = self.cookies.clone();
                let hint = pair("id_token_hint", jwt);
                let target =
                    authorize_target(&self.web_app, "openid") + "&prompt=none&" + hint.as_str();
                let page = browser.open(&target).await;
                if page.url.contains("code=") {
                    return true;
                }
                assert_eq!(page.parameter("error"), "invalid_request");
                false
            }
            Site::HintAtLogout => {
                let hint = pair("id_token_hint", jwt);
                let after = pair("post_logout_redirect_uri", POST_LOGOUT_URI);
                let response = server.get(&format!("/logout?{hint}&{after}")).await;
                assert!(matches!(response.status, 303 | 400), "{response:?}");
                response.status == 303
            }
            Site::PrivateKeyJwt | Site::ClientSecretJwt => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                let form = format!(
                    "grant_type=client_credentials&{}&{}",
                    pair("client_assertion_type", kind),
                    pair("client_assertion", jwt)
                );
                let response = server.post("/token", &form).await;
                if response.status != 200 {
                    response.clone().refused(401, "invalid_client");
                }
                response.status == 200
            }
            Site::UserInfo => {
                let response = server.post("/userinfo", &pair("access_token", jwt)).await;
                assert!(matches!(response.status, 200 | 401), "{response:?}");
                response.status == 200
            }
            Site::Introspection => {
                let form = pair("token", jwt);
                let response = server.post_as(&self.web_app, "/introspect", &form).await.ok();
                response.body["active"] == Value::Bool(true)
            }
            Site::Revocation => {
                let before = server.audit_events("token.revoked").await.len();
                server.post_as(&self.web_app, "/revoke", &pair("token", jwt)).await.ok();
                server.audit_events("token.revoked").await.len() > before
            }
            Site::ProofAtToken => {
                let response = dpop::request_token(server, &self.service, jwt).await;
                assert!(matches!(response.status, 200 | 400), "{response:?}");
                // The proof may be valid for another key, which belongs to no client.
                response.status == 200
                    && unverified_claims(&response.token("access_token"))["cnf"]["jkt"]
                        == *self.key.jkt
            }
            Site::ProofAtUserInfo => {
                let response = dpop::userinfo_with_dpop(server, &self.bound_token, jwt).await;
                assert!(matches!(response.status, 200 | 400 | 401), "{response:?}");
                response.status == 200
            }
            Site::Verify => {
                let response = server.request("GET", "/verify/ours").bearer(jwt).send().await;
                assert!(matches!(response.status, 200 | 400 | 401), "{response:?}");
                response.status == 200
            }
            Site::ProofAtVerify => {
                let request = server.request("GET", "/verify/ours").dpop(jwt);
                let request =
                    request.header("authorization", &format!("DPoP {}", self.bound_token));
                let request = request.header("x-original-method", "GET");
                let response = request.header("x-original-uri", "/userinfo").send().await;
                assert!(matches!(response.status, 200 | 400 | 401), "{response:?}");
                response.status == 200
            }
            Site::Library => self.library_accepts(&format!("Bearer {jwt}"), None).await,
            Site::ProofAtLibrary => {
                self.library_accepts(&format!("DPoP {}", self.bound_token), Some(jwt)).await
            }
        }
    }

    /// Whether an API that uses the library accepts a request with these fields; values that no HTTP
    /// field can have are refused.
    async fn library_accepts(&self, authorization: &str, proof: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        let proof = proof.map(|proof| ("dpop", proof));
        for (name, value) in [("authorization", authorization)].into_iter().chain(proof) {
            let Ok(value) = value.parse() else {
                return false;
            };
            headers.append(name, value);
        }
        let url = format!("{ISSUER}/userinfo");
        let request = ResourceRequest {
            method: &Method::GET,
            url: &url,
            headers: &headers,
            certificate: None,
        };
        match self.verifier.verify_at(&request, &["openid"], self.server.trace().now()).await {
            Ok(_) => true,
            Err(Error::Refused(_)) => false,
            Err(Error::Unavailable(why)) => panic!("{why}"),
        }
    }

    /// The invalid variants of a JWT.
    fn invalid_jwts(&self, site: Site) -> Vec<(String, String)> {
        let valid = self.valid_jwt(site);
        let [header, payload, signature]: [&str; 3] =
            valid.split('.').collect::<Vec<_>>().try_into().unwrap();
        let alg = if site == Site::ClientSecretJwt { "HS256" } else { "ES256" };
        let body = || self.payload(site).to_string();
        let headed = |text: &str| self.sign(site, text, body().as_bytes());
        let more = |members: &str| headed(&self.header(site, members));
        let signed = |bytes: &[u8]| self.sign(site, &self.header(site, ""), bytes);
        let in_place = |from: &str, to: &str| headed(&self.header(site, "").replacen(from, to, 1));
        let alg_is = |to: &str| in_place(&format!(r#""alg":"{alg}""#), to);
        let other_signer = JwtSigner::new();
        let typ = match site.expected_kind() {
            Kind::AccessToken => "at+jwt",
            Kind::Proof => "dpop+jwt",
            Kind::IdToken | Kind::UserInfo | Kind::Assertion => "JWT",
        };
        let is_proof = site.expected_kind() == Kind::Proof;
        // A claim of type string that every such JWT has.
        let known = if is_proof { "jti" } else { "sub" };

        let mut all: Vec<(&str, String)> = vec![
            ("JO-01 none", alg_is(r#""alg":"none""#)),
            ("JO-01 None", alg_is(r#""alg":"None""#)),
            ("JO-01 nOnE", alg_is(r#""alg":"nOnE""#)),
            ("JO-01 alg null", alg_is(r#""alg":null"#)),
            ("JO-01 alg missing", alg_is(r#""x":1"#)),
            ("JO-01 no signature", format!("{header}.{payload}.")),
            (
                "JO-01 none without a signature",
                format!("{}.{payload}.", base64url::encode(r#"{"alg":"none"}"#)),
            ),
            ("JO-02 another alg", alg_is(r#""alg":"RS256""#)),
            ("JO-03 jwk", {
                let header =
                    format!(r#"{{"alg":"ES256","typ":"{typ}","jwk":{}}}"#, other_signer.jwk());
                other_signer.compact(&header, body())
            }),
            ("JO-03 jku", {
                let kid = other_signer.key.kid();
                let jku = "https://evil.example/jwks";
                let header =
                    format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"{kid}","jku":"{jku}"}}"#);
                other_signer.compact(&header, body())
            }),
            ("JO-03 a stranger with our kid", {
                other_signer.compact(&self.header(site, ""), body())
            }),
            ("JO-04 crit", more(r#","crit":["exp"],"exp":1"#)),
            ("JO-04 crit empty", more(r#","crit":[]"#)),
            ("JO-04 b64", more(r#","b64":false"#)),
            ("JO-06 alg twice", more(&format!(r#","alg":"{alg}""#))),
            ("JO-06 a member twice", {
                let twice = format!(r#"{{"{known}":"x","#);
                signed(body().replacen('{', &twice, 1).as_bytes())
            }),
            ("JO-07 another typ", headed(&self.header(site, "").replace(typ, "logout+jwt"))),
            ("JO-12 two parts", format!("{header}.{payload}")),
            ("JO-12 four parts", format!("{valid}.{signature}")),
            ("JO-12 padding", format!("{valid}==")),
            ("JO-12 a line end", format!("{header}.\n{payload}.{signature}")),
            ("JO-12 nothing", ".".repeat(2)),
            ("JO-13 kid is a number", in_place(r#""typ""#, r#""kid":1,"typ""#)),
            ("the payload is an array", signed(b"[]")),
            ("the payload is not UTF-8", signed(b"{\"sub\":\"\xff\"}")),
            ("the payload is deep", signed("[".repeat(3000).as_bytes())),
            ("another payload", {
                let text = format!("\"{known}\":\"");
                let other = self.payload(site).to_string().replace(&text, &format!("{text}x"));
                format!("{header}.{}.{signature}", base64url::encode(other))
            }),
        ];
        if is_proof {
            let (jwk, x) = (&self.key.jwk, &self.key.jwk["x"]);
            let hs = format!(r#"{{"alg":"HS256","typ":"{typ}","jwk":{jwk}}}"#);
            let x = base64url::decode(x.as_str().unwrap()).unwrap();
            all.push(("JO-02 the public key as a secret", hs256_jwt(&x, &hs, body())));
            all.push((
                "JO-02 the JWK as a secret",
                hs256_jwt(jwk.to_string().as_bytes(), &hs, body()),
            ));
            all.push(("DP-05 a kid alone", other_signer.sign(typ, &self.payload(site))));
        } else if !matches!(site, Site::Verify | Site::Library) {
            // Whitespace around the value of a header field is not part of it.
            all.push(("JO-12 a space", format!("{valid} ")));
        }
        if site != Site::ClientSecretJwt && !is_proof {
            let jwk = if site == Site::PrivateKeyJwt {
                self.client_signer.jwk()
            } else {
                self.server_signer.jwk()
            };
            let kid = jwk["kid"].as_str().unwrap_or_default().to_owned();
            let hs = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"{kid}"}}"#);
            all.push(("JO-13 kid is a path", in_place(&kid, "../../keys/1")));
            all.push(("JO-13 kid is SQL", in_place(&kid, "' OR 1=1 --")));
            let x = base64url::decode(jwk["x"].as_str().unwrap()).unwrap();
            all.push(("JO-02 the public key as a secret", hs256_jwt(&x, &hs, body())));
            all.push((
                "JO-02 the JWK as a secret",
                hs256_jwt(jwk.to_string().as_bytes(), &hs, body()),
            ));
        }
        let mut all: Vec<_> = all.into_iter().map(|(what, jwt)| (what.to_owned(), jwt)).collect();
        let mut claim = |name: &str, value: &str| {
            let mut payload = self.payload(site);
            payload.as_object_mut().unwrap().remove(name);
            let payload = payload.to_string();
            let written = if value.is_empty() {
                payload
            } else {
                payload.replacen('{', &format!(r#"{{"{name}":{value},"#), 1)
            };
            all.push((format!("JO-05 {name} is {value:?}"), signed(written.as_bytes())));
        };
        for name in ["exp", "iat", "nbf"] {
            for value in ["\"1\"", "-0.5", "-1", "1e400", "null", "[]", "true"] {
                claim(name, value);
            }
        }
        for aud in ["null", "7", "{}", "[7]"] {
            claim("aud", aud);
        }
        if is_proof {
            for name in ["jti", "htm", "htu", "iat"] {
                claim(name, "");
                claim(name, "null");
                claim(name, if name == "jti" { "\"\"" } else { "\"x\"" });
            }
            if site.has_access_token() {
                claim("ath", "");
                claim("ath", "\"x\"");
            }
            return all;
        }
        for name in ["iss", "aud", "sub", "exp"] {
            claim(name, "");
        }
        if site.expected_kind() == Kind::AccessToken {
            // JO-15: the other claims that RFC 9068 §2.2 requires.
            for name in ["iat", "jti", "client_id"] {
                claim(name, "");
            }
        }
        for iss in ["https://id.example.org/", "https://ID.example.org", "http://id.example.org"] {
            claim("iss", &json!(iss).to_string());
        }
        // A client that holds a token for an API may introspect and revoke it.
        if !matches!(site, Site::Introspection | Site::Revocation) {
            claim("aud", "\"https://other.example\"");
        }
        all
    }
}

/// THREATS M5.
#[tokio::test]
async fn no_site_accepts_an_invalid_jwt() {
    let fixture = Fixture::new().await;
    for site in Site::ALL {
        assert!(fixture.accepts(site, &fixture.valid_jwt(site)).await, "{site:?}");
        for (what, jwt) in fixture.invalid_jwts(site) {
            assert!(!fixture.accepts(site, &jwt).await, "{site:?}: {what}: {jwt}");
        }
        assert!(fixture.accepts(site, &fixture.valid_jwt(site)).await, "{site:?}");
    }
}

/// > to prevent a JWT from being used in a context for which it was not intended (RFC 8725 §3.11,
/// > §3.12); THREATS JO-07
#[tokio::test]
async fn no_site_accepts_a_jwt_of_another_kind() {
    let fixture = Fixture::new().await;
    let server = &fixture.server;
    let page = {
        let mut browser = Browser::new(server);
        browser.cookies = fixture.cookies.clone();
        browser.open(&authorize_target(&fixture.web_app, "openid")).await
    };
    let tokens = server.redeem(&fixture.web_app, &page.parameter("code")).await.ok();
    let access = tokens.token("access_token");
    let kinds = [
        (Kind::IdToken, tokens.token("id_token")),
        (Kind::UserInfo, server.userinfo(&access).await.ok().text),
        (Kind::Assertion, fixture.valid_jwt(Site::PrivateKeyJwt)),
        (Kind::Assertion, fixture.valid_jwt(Site::ClientSecretJwt)),
        (Kind::Proof, fixture.valid_jwt(Site::ProofAtToken)),
        (Kind::Proof, fixture.valid_jwt(Site::ProofAtUserInfo)),
        (Kind::Proof, fixture.valid_jwt(Site::ProofAtLibrary)),
        (Kind::AccessToken, access),
    ];

    for site in Site::ALL {
        for (kind, jwt) in kinds.iter().filter(|(kind, _)| *kind != site.expected_kind()) {
            assert!(!fixture.accepts(site, jwt).await, "{site:?} took {kind:?}: {jwt}");
        }
    }
}

/// THREATS AZ-20: a hint may be expired; it never switches the user, and it must be for the requesting
/// client.
#[tokio::test]
async fn an_id_token_hint_may_be_expired_but_must_match_user_and_client() {
    let fixture = Fixture::new().await;
    let request = async |payload: &Value| {
        let mut browser = Browser::new(&fixture.server);
        browser.cookies = fixture.cookies.clone();
        let jwt = fixture.server_signer.sign("JWT", payload);
        let target = authorize_target(&fixture.web_app, "openid")
            + "&prompt=none&id_token_hint="
            + jwt.as_str();
        browser.open(&target).await
    };
    let changed = |name: &str, value: Value| {
        let mut payload = fixture.id_token.clone();
        payload[name] = value;
        payload
    };

    let old = request(&changed("exp", json!(1))).await;
    let other = request(&changed("sub", json!("somebody else"))).await;
    let foreign = request(&changed("aud", json!("another client"))).await;

    assert!(!old.parameter("code").is_empty());
    assert_eq!(other.parameter("error"), "login_required");
    assert_eq!(foreign.parameter("error"), "invalid_request");
}
