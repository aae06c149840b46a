//! RFC 6749 §6, Refreshing an Access Token; RFC 9700 §4.14.2, refresh token rotation.
//!
//! A refresh token carries a generation of its grant. One generation is valid; a lost response is
//! repeated for ten seconds; any other token that is presented twice revokes the grant.

use std::time::{Duration, Instant};

use gatewright::store::{sql, sweep};
use gatewright::types::client::GrantType;
use serde_json::{Value, json};

use kit::browser::Browser;
use kit::server::{Client, ISSUER, Server};

const DAY: i64 = 24 * 60 * 60;

/// A server, a web application, and the refresh token that it was issued for ada.
async fn obtain_refresh_token(scope: &str) -> (Server, Client, String) {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let token = server.obtain_tokens("ada", &client, scope).await.token("refresh_token");
    (server, client, token)
}

async fn rotate(server: &Server, client: &Client, token: &str) -> String {
    server.refresh(client, token, "").await.ok().token("refresh_token")
}

async fn assert_refused(server: &Server, client: &Client, token: &str) {
    server.refresh(client, token, "").await.refused(400, "invalid_grant");
}

fn claims(jwt: &str) -> Value {
    use base64::Engine as _;
    let payload = jwt.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// > The authorization server MAY issue a new refresh token, in which case the client MUST discard the
/// > old refresh token and replace it with the new refresh token. (RFC 6749 §6)
#[tokio::test]
async fn each_refresh_returns_a_new_refresh_token() {
    let (server, client, first) = obtain_refresh_token("openid email offline_access").await;

    let response = server.refresh(&client, &first, "").await.ok();
    let second = response.token("refresh_token");
    let third = rotate(&server, &client, &second).await;

    assert!(first != second && second != third && first != third);
    assert_eq!(response.body["token_type"], "Bearer");
    assert_eq!(response.body["scope"], "email offline_access openid");
    assert_eq!(response.header("cache-control"), "no-store");
    assert!(server.is_active(&client, &response.token("access_token")).await);
}

/// DESIGN §3, THREATS RT-04: a client whose connection broke before the response arrived retries, and
/// its user does not have to sign in again.
#[tokio::test]
async fn a_lost_response_is_repeated_for_ten_seconds() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let lost = rotate(&server, &client, &token).await;

    server.advance_clock(10);
    let again = rotate(&server, &client, &token).await;

    assert_eq!(again, lost, "the retry gets the same successor");
    rotate(&server, &client, &again).await;
}

/// THREATS RT-04: after the grace period it is a replay.
#[tokio::test]
async fn after_the_grace_period_a_used_token_is_a_replay() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let next = rotate(&server, &client, &token).await;

    server.advance_clock(11);
    assert_refused(&server, &client, &token).await;

    assert_refused(&server, &client, &next).await;
}

/// THREATS RT-05: the grace period begins with the first use, and retries do not extend it.
#[tokio::test]
async fn retries_do_not_extend_the_grace_period() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let next = rotate(&server, &client, &token).await;
    for _ in 0..2 {
        server.advance_clock(5);
        assert_eq!(rotate(&server, &client, &token).await, next);
    }

    server.advance_clock(1);

    assert_refused(&server, &client, &token).await;
}

/// RFC 9700 §4.14.2, THREATS RT-01:
///
/// > If a refresh token is compromised and subsequently used by both the attacker and the legitimate
/// > client, one of them will present an invalidated refresh token, which will inform the authorization
/// > server of the breach.
#[tokio::test]
async fn a_replayed_token_revokes_its_grant() {
    let (server, client, stolen) = obtain_refresh_token("openid").await;
    let successor = rotate(&server, &client, &stolen).await;
    let last = server.refresh(&client, &successor, "").await.ok();
    let (live, access) = (last.token("refresh_token"), last.token("access_token"));

    assert_refused(&server, &client, &stolen).await;

    assert_refused(&server, &client, &live).await;
    assert!(!server.is_active(&client, &access).await, "access tokens are revoked too");
    server.userinfo(&access).await.refused(401, "invalid_token");
    let event = server.audit_events("refresh_token.replayed").await.remove(0);
    assert_eq!(event.client_id.as_deref(), Some(client.id.as_str()));
}

/// THREATS RT-05: within the grace period an attacker gets the one valid token, not a second one; the next
/// use by either side turns the other's token into a replay.
#[tokio::test]
async fn an_attacker_within_the_grace_period_gets_no_second_valid_token() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let owners = rotate(&server, &client, &token).await;
    let attackers = rotate(&server, &client, &token).await;
    assert_eq!(owners, attackers);

    let used = rotate(&server, &client, &attackers).await;
    assert_refused(&server, &client, &token).await;

    assert_refused(&server, &client, &used).await;
}

/// THREATS RT-16: a generation newer than the stored one means that the database was restored from a
/// backup. What else it lacks is unknown, so the grant is revoked.
#[tokio::test]
async fn a_token_of_a_future_generation_revokes_the_grant() {
    let (server, client, first) = obtain_refresh_token("openid").await;
    let second = rotate(&server, &client, &first).await;
    let third = rotate(&server, &client, &second).await;
    let backup = sql("UPDATE grants SET generation = 2").execute(server.app().store.db()).await;
    assert_eq!(backup.unwrap(), 1);

    assert_refused(&server, &client, &third).await;

    assert_refused(&server, &client, &second).await;
}

/// THREATS RT-16: every past generation is detected, however many there were and whatever has been
/// cleaned up.
#[tokio::test]
async fn every_past_generation_is_detected_as_a_replay() {
    let (server, client, first) = obtain_refresh_token("openid offline_access").await;
    let mut token = first.clone();
    for _ in 0..20 {
        server.advance_clock(DAY);
        token = rotate(&server, &client, &token).await;
        sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    }

    assert_refused(&server, &client, &first).await;

    assert_refused(&server, &client, &token).await;
}

/// DESIGN §3: a refresh inserts no row; a grant costs one row for its lifetime.
#[tokio::test]
async fn a_refresh_inserts_no_row() {
    #[derive(sqlx_macros::FromRow)]
    struct Rows {
        rows: i64,
    }
    let (server, client, mut token) = obtain_refresh_token("openid offline_access").await;
    let rows = async || {
        let count = "SELECT (SELECT count(*) FROM grants) + (SELECT count(*) FROM opaque_tokens)
            + (SELECT count(*) FROM replays) + (SELECT count(*) FROM codes) AS rows";
        sql(count).fetch_one::<Rows>(server.app().store.db()).await.unwrap().rows
    };
    let before = rows().await;

    for _ in 0..20 {
        token = rotate(&server, &client, &token).await;
    }

    assert_eq!(rows().await, before);
}

/// THREATS RT-03: replay detection needs no state in the process.
#[tokio::test]
async fn a_replay_is_detected_after_a_restart() {
    let (server, client, stolen) = obtain_refresh_token("openid").await;
    let live = rotate(&server, &client, &stolen).await;
    let server = server.restart().await;
    server.advance_clock(11);

    assert_refused(&server, &client, &stolen).await;

    assert_refused(&server, &client, &live).await;
}

/// THREATS CL-02: a clock that jumps back makes no token valid again, because a token is consumed by
/// its generation.
#[tokio::test]
async fn a_clock_that_jumps_back_makes_no_used_token_valid() {
    let (server, client, first) = obtain_refresh_token("openid").await;
    let second = rotate(&server, &client, &first).await;
    rotate(&server, &client, &second).await;

    server.advance_clock(-3600);

    assert_refused(&server, &client, &first).await;
}

/// THREATS CL-02: when a token was consumed by a clock that was wrong, the age of its use is unknown.
#[tokio::test]
async fn after_a_clock_went_back_no_response_is_repeated() {
    let (server, client, token) = obtain_refresh_token("openid offline_access").await;
    server.advance_clock(DAY);
    let next = rotate(&server, &client, &token).await;

    server.advance_clock(-3600);
    assert_refused(&server, &client, &token).await;

    assert_refused(&server, &client, &next).await;
}

/// THREATS CL-01: the retry reaches a replica whose clock is slightly behind.
#[tokio::test]
async fn the_grace_period_tolerates_clocks_two_seconds_apart() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let ahead = server.replica_ahead(2).await;
    let lost = rotate(&ahead, &client, &token).await;

    assert_eq!(rotate(&server, &client, &token).await, lost);
}

/// The database did not respond to this replica from `began` seconds ago to `ended` seconds ago.
fn record_outage(server: &Server, began: u64, ended: u64) {
    let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
    server.app().store.outages().note(ago(began), ago(ended));
}

/// DESIGN §3, THREATS EX-04: a response that was lost in an outage is repeated when the outage is over;
/// its successor is the one valid token.
#[tokio::test]
async fn a_response_lost_in_an_outage_is_repeated_after_it() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let lost = rotate(&server, &client, &token).await;
    server.advance_clock(30);
    record_outage(&server, 31, 5);

    assert_eq!(rotate(&server, &client, &token).await, lost);
    rotate(&server, &client, &lost).await;

    assert_refused(&server, &client, &token).await;
}

/// DESIGN §3, THREATS EX-04: it extends the grace period by its length, and applies to no other token
/// or client.
#[tokio::test]
async fn an_outage_extends_the_grace_period_by_its_length_only() {
    let (server, client, token) = obtain_refresh_token("openid offline_access").await;
    let another = server.obtain_tokens("ada", &client, "openid offline_access").await;
    let another = another.token("refresh_token");
    let attacker = server.web_app().await;
    for token in [&token, &another] {
        rotate(&server, &client, token).await;
    }

    server.advance_clock(30);
    record_outage(&server, 27, 5);
    assert_refused(&server, &attacker, &token).await;
    assert_refused(&server, &client, &token).await;
    server.advance_clock(600);
    record_outage(&server, 631, 5);

    assert_refused(&server, &client, &another).await;
}

/// THREATS EX-04: a replica that did not see the outage, or was started after it, has the ordinary
/// grace period (docs/operations.md).
#[tokio::test]
async fn a_replica_that_saw_no_outage_keeps_the_ordinary_grace_period() {
    for restarted in [false, true] {
        let (server, client, token) = obtain_refresh_token("openid").await;
        rotate(&server, &client, &token).await;
        server.advance_clock(30);
        record_outage(&server, 31, 5);
        let other = if restarted { server.restart().await } else { server.replica().await };

        assert_refused(&other, &client, &token).await;
    }
}

/// A refusal for policy consumes no token: what was removed from the client can be restored.
#[tokio::test]
async fn a_refusal_for_policy_consumes_no_token() {
    let server = Server::start().await;
    server.user("ada").await;
    let photos = "https://photos.example";
    server.create_resource(photos).await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "gw_allowed_resources": [photos],
        }))
        .await;
    let more = format!("&resource={photos}");
    let page = Browser::new(&server).authorize("ada", &client, "openid", &more).await;
    let token = server.redeem(&client, &page.parameter("code")).await.ok().token("refresh_token");
    let allowed = server.find_client(&client).await.metadata.gw_allowed_resources;

    server.update_client(&client, |metadata| metadata.gw_allowed_resources.clear()).await;
    server.refresh(&client, &token, "").await.refused(400, "invalid_target");
    server.advance_clock(11);
    server.update_client(&client, |metadata| metadata.gw_allowed_resources = allowed).await;

    rotate(&server, &client, &token).await;
}

/// > The refresh token is bound to the client to which it was issued (RFC 6749 §6); THREATS RT-07
#[tokio::test]
async fn another_client_is_refused_and_consumes_no_token() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let attacker = server.web_app().await;

    assert_refused(&server, &attacker, &token).await;

    rotate(&server, &client, &token).await;
}

/// > If the client type is confidential or the client was issued client credentials […], the client
/// > MUST authenticate with the authorization server (RFC 6749 §6)
#[tokio::test]
async fn a_confidential_client_must_authenticate() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let form = format!("grant_type=refresh_token&refresh_token={token}&client_id={}", client.id);

    server.post("/token", &form).await.refused(401, "invalid_client");

    rotate(&server, &client, &token).await;
}

/// > The requested scope MUST NOT include any scope not originally granted by the resource owner, and if
/// > omitted is treated as equal to the scope originally granted (RFC 6749 §6); THREATS RT-09, TE-20
#[tokio::test]
async fn a_client_may_request_less_scope_but_not_more() {
    let (server, client, token) = obtain_refresh_token("openid email").await;

    server.refresh(&client, &token, "&scope=email+profile").await.refused(400, "invalid_scope");
    let narrowed = server.refresh(&client, &token, "&scope=email").await.ok();

    assert_eq!(narrowed.body["scope"], "email", "the refusal did not consume the token");
    assert_eq!(narrowed.body["id_token"], Value::Null);
    let next = narrowed.token("refresh_token");
    let whole = server.refresh(&client, &next, "").await.ok();
    assert_eq!(whole.body["scope"], "email openid", "the next token has the scope of the grant");
}

/// > the authorization server MUST […] audience-restrict issued access tokens to the resource(s)
/// > indicated […] The resource parameter […] in a request to refresh can be used to obtain a token for
/// > a subset (RFC 8707 §2.2); THREATS RT-10
#[tokio::test]
async fn a_client_may_request_fewer_resources_but_not_others() {
    let server = Server::start().await;
    server.user("ada").await;
    let (photos, films, other) =
        ("https://photos.example", "https://films.example", "https://other.example");
    for id in [photos, films, other] {
        server.create_resource(id).await;
    }
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "gw_allowed_resources": [photos, films, other],
        }))
        .await;
    let more = format!("&resource={photos}&resource={films}");
    let page = Browser::new(&server).authorize("ada", &client, "openid", &more).await;
    let token = server.redeem(&client, &page.parameter("code")).await.ok().token("refresh_token");
    let audience =
        |response: &kit::http::Response| claims(&response.token("access_token"))["aud"].clone();

    let wider = server.refresh(&client, &token, &format!("&resource={other}")).await;
    wider.refused(400, "invalid_target");
    let fewer = server.refresh(&client, &token, &format!("&resource={films}")).await.ok();
    let all = server.refresh(&client, &fewer.token("refresh_token"), "").await.ok();

    assert_eq!(audience(&fewer), films, "the refusal did not consume the token");
    assert_eq!(audience(&all), json!([photos, films]));
}

/// > Authorization servers MUST determine […] The refresh token expires if not used (RFC 9700 §4.14.2);
/// > DESIGN §8: after fourteen days
#[tokio::test]
async fn an_unused_token_expires_after_fourteen_days() {
    let (server, client, token) = obtain_refresh_token("openid offline_access").await;
    server.advance_clock(14 * DAY - 1);
    let next = rotate(&server, &client, &token).await;

    server.advance_clock(14 * DAY);

    assert_refused(&server, &client, &next).await;
}

/// THREATS RT-08: a grant that is used every day expires after ninety days.
#[tokio::test]
async fn a_grant_expires_after_ninety_days_despite_use() {
    let (server, client, mut token) = obtain_refresh_token("openid offline_access").await;
    for _ in 0..9 {
        server.advance_clock(10 * DAY - 1);
        token = rotate(&server, &client, &token).await;
    }

    server.advance_clock(9);

    assert_refused(&server, &client, &token).await;
}

/// THREATS RT-13: without `offline_access` a refresh token is bound to its session.
#[tokio::test]
async fn a_token_ends_with_its_session_unless_it_is_offline() {
    let server = Server::start().await;
    let (ada, client) = (server.user("ada").await, server.web_app().await);
    let bound = server.obtain_tokens("ada", &client, "openid").await.token("refresh_token");
    let offline = server.obtain_tokens("ada", &client, "openid offline_access").await;
    let offline = offline.token("refresh_token");

    server.end_sessions(&ada).await;

    assert_refused(&server, &client, &bound).await;
    rotate(&server, &client, &offline).await;
}

/// OIDC Core §11, THREATS RT-13: a session that expires ends its tokens too.
#[tokio::test]
async fn a_token_ends_with_an_idle_session() {
    let (server, client, token) = obtain_refresh_token("openid").await;

    server.advance_clock(30 * 60);

    assert_refused(&server, &client, &token).await;
}

/// DESIGN §8: a refresh of a grant that is bound to a session counts as activity of the session.
#[tokio::test]
async fn refreshing_keeps_a_session_active_until_it_expires() {
    let (server, client, mut token) = obtain_refresh_token("openid").await;
    for _ in 0..28 {
        server.advance_clock(25 * 60);
        token = rotate(&server, &client, &token).await;
    }

    server.advance_clock(20 * 60);

    assert_refused(&server, &client, &token).await;
}

/// THREATS RT-11: policy is checked at each refresh; such a refusal consumes no token.
#[tokio::test]
async fn scopes_and_grant_types_removed_from_a_client_are_not_refreshed() {
    let (server, client, token) = obtain_refresh_token("openid email offline_access").await;

    server
        .update_client(&client, |metadata| metadata.scope = "openid offline_access".to_owned())
        .await;
    let response = server.refresh(&client, &token, "").await.ok();
    assert_eq!(response.body["scope"], "offline_access openid");
    let token = response.token("refresh_token");

    server.update_client(&client, |metadata| metadata.scope = "openid".to_owned()).await;
    assert_refused(&server, &client, &token).await;

    let both = "openid offline_access";
    server.update_client(&client, |metadata| metadata.scope = both.to_owned()).await;
    let token = rotate(&server, &client, &token).await;
    let without = |metadata: &mut gatewright::types::client::Metadata| {
        metadata.grant_types.retain(|grant| *grant != GrantType::RefreshToken);
    };
    server.update_client(&client, without).await;
    server.refresh(&client, &token, "").await.refused(400, "unauthorized_client");
}

/// THREATS RT-14, JO-24: changed bytes, truncated tokens, other kinds of tokens.
#[tokio::test]
async fn malformed_and_other_tokens_are_refused() {
    let (server, client, token) = obtain_refresh_token("openid").await;
    let access = server.obtain_tokens("ada", &client, "openid").await.token("access_token");
    let mut others = vec![access, format!("x{token}"), format!("{token}x"), format!("{token}%3D")];
    others.push(token.to_uppercase());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        others.push(String::from_utf8(bytes).unwrap());
    }
    for length in 1..token.len() {
        others.push(token[..length].to_owned());
    }

    for other in others {
        assert_refused(&server, &client, &other).await;
    }
    server.userinfo(&token).await.refused(401, "invalid_token");

    rotate(&server, &client, &token).await;
}

/// > If the particular token is a refresh token and the authorization server supports the revocation of
/// > access tokens, then the authorization server SHOULD also invalidate all access tokens based on the
/// > same authorization grant (RFC 7009 §2.1); THREATS RT-15
#[tokio::test]
async fn revoking_one_grant_leaves_other_grants_valid() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let one = server.obtain_tokens("ada", &client, "openid").await;
    let other = server.obtain_tokens("ada", &client, "openid").await;

    let form = format!("token={}", one.token("refresh_token"));
    server.post_as(&client, "/revoke", &form).await.ok();

    assert_refused(&server, &client, &one.token("refresh_token")).await;
    assert!(!server.is_active(&client, &one.token("access_token")).await);
    assert!(server.is_active(&client, &other.token("access_token")).await);
    rotate(&server, &client, &other.token("refresh_token")).await;
}

/// > its iss Claim Value MUST be the same […], its sub Claim Value MUST be the same […], its aud Claim
/// > Value MUST include the value […], if the ID Token contains an auth_time Claim, its value MUST
/// > represent the time of the original authentication, it SHOULD NOT have a nonce Claim
/// > (OIDC Core §12.2)
#[tokio::test]
async fn the_id_token_of_a_refresh_describes_the_original_authentication() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let page = Browser::new(&server).authorize("ada", &client, "openid", "&nonce=n-0S6").await;
    let first = server.redeem(&client, &page.parameter("code")).await.ok();
    server.advance_clock(60);

    let second = server.refresh(&client, &first.token("refresh_token"), "").await.ok();

    let (before, after) = (claims(&first.token("id_token")), claims(&second.token("id_token")));
    for same in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(after["iss"], ISSUER);
    assert_eq!((&before["nonce"], &after["nonce"]), (&json!("n-0S6"), &Value::Null));
    assert_eq!(after["iat"].as_i64().unwrap(), before["iat"].as_i64().unwrap() + 60);
}

/// > shall not use refresh token rotation except in extraordinary circumstances (FAPI 2.0 Security
/// > Profile §5.3.2.1); THREATS RT-12. No client can be registered for the profile yet.
#[tokio::test]
async fn a_client_of_the_fapi_profile_keeps_its_refresh_token() {
    let (server, client, token) = obtain_refresh_token("openid offline_access").await;
    let profile = "UPDATE clients SET version = version + 1,
        metadata = replace(metadata, '\"gw_profile\":\"oauth21\"', '\"gw_profile\":\"fapi2\"')";
    sql(profile).execute(server.app().store.db()).await.unwrap();
    server.administer_clients(async |_| ()).await;
    let server = server.restart().await;

    for _ in 0..3 {
        server.advance_clock(DAY);
        assert_eq!(rotate(&server, &client, &token).await, token);
    }

    let backup = sql("UPDATE grants SET generation = generation - 1");
    backup.execute(server.app().store.db()).await.unwrap();
    assert_refused(&server, &client, &token).await;
    sql("UPDATE grants SET generation = generation + 1")
        .execute(server.app().store.db())
        .await
        .unwrap();
    assert_refused(&server, &client, &token).await;
}

/// > […] or the client is public: refresh token rotation (RFC 9700 §2.2.2)
#[tokio::test]
async fn a_public_client_refreshes_with_its_client_id() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", &client.id)
        .append_pair("code", &page.parameter("code"))
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("code_verifier", kit::browser::VERIFIER)
        .finish();
    let token = server.post("/token", &form).await.ok().token("refresh_token");
    let refresh = async |token: &str| {
        let form =
            format!("grant_type=refresh_token&client_id={}&refresh_token={token}", client.id);
        server.post("/token", &form).await
    };

    let next = refresh(&token).await.ok().token("refresh_token");
    server.advance_clock(11);

    refresh(&token).await.refused(400, "invalid_grant");
    refresh(&next).await.refused(400, "invalid_grant");
}
