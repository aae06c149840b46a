//! THREATS M1: every use of a credential × every change to the user, the client, the session or the
//! consent between its issue and its use.
//!
//! Uses and changes are enumerations, and the expected outcome is an exhaustive `match`: a new grant
//! type or a new change does not compile until every cell has an expectation.

use gatewright::store::sql;
use gatewright::types::client::GrantType;
use gatewright::types::{ClientId, User};
use serde_json::{Value, json};

use kit::browser::{Browser, Page, authorize_target};
use kit::server::{Client, PASSWORD, Server};

const API: &str = "https://photos.example";

/// A use of a grant, a session or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A code that was issued before the change.
    Redeem,
    /// A refresh token that is bound to its session.
    Refresh,
    /// A refresh token of an offline grant.
    RefreshOffline,
    /// The client's own grant.
    ClientCredentials,
    /// `prompt=none` in a browser with a session.
    Silent,
    /// An access token, introspected by the API that it is for.
    Introspect,
    /// An access token at userinfo.
    UserInfo,
}

/// Every grant type has at least one use.
const fn uses_of(grant: GrantType) -> &'static [Use] {
    match grant {
        GrantType::AuthorizationCode => &[Use::Redeem, Use::Silent],
        GrantType::RefreshToken => &[Use::Refresh, Use::RefreshOffline],
        GrantType::ClientCredentials => &[Use::ClientCredentials],
    }
}

/// The outcome of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// A token, a code, claims or `"active":true`.
    Success,
    /// 400 `invalid_grant`.
    InvalidGrant,
    /// 401 `invalid_client`.
    InvalidClient,
    /// 400 `unauthorized_client`.
    Unauthorized,
    /// Exactly `{"active":false}`.
    Inactive,
    /// 401 `invalid_token`.
    InvalidToken,
    /// By redirect.
    LoginRequired,
    /// By redirect.
    ConsentRequired,
    /// By redirect.
    InvalidScope,
    /// An error page, without a redirect.
    Page,
}

macro_rules! changes {
    ($($(#[$meta:meta])* $name:ident $test:ident;)*) => {
        /// What may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Change { $($(#[$meta])* $name,)* }

        $(
            /// THREATS M1, CO-07, RT-11, JO-20.
            #[tokio::test]
            async fn $test() {
                every_use_has_the_expected_outcome(Change::$name).await;
            }
        )*
    };
}

changes! {
    /// The control: without a change every use succeeds.
    Nothing without_a_change_every_use_succeeds;
    UserDisabled the_credentials_of_a_disabled_user_are_refused;
    /// Only the user's row, before what descends from it is revoked: the join decides.
    UserRowDisabled a_user_whose_row_alone_is_disabled_is_refused;
    UserDisabledAndEnabled credentials_from_before_a_user_was_disabled_stay_revoked;
    PasswordSet setting_a_password_revokes_all_earlier_credentials_of_the_user;
    PasswordChanged changing_a_password_revokes_everything_but_the_session_in_use;
    SessionEnded credentials_bound_to_a_session_end_with_it;
    ConsentWithdrawn withdrawing_a_consent_revokes_its_grants;
    ClientDisabled a_disabled_client_is_refused;
    ClientDisabledAndEnabled grants_from_before_a_client_was_disabled_stay_revoked;
    ClientDeleted a_deleted_client_is_refused;
    PersonalGrantsRemoved a_client_without_user_grants_is_issued_no_tokens_for_users;
    OwnGrantRemoved a_client_without_the_client_credentials_grant_is_refused_it;
    ScopeRemoved a_scope_removed_from_a_client_cannot_be_requested;
    OfflineRemoved a_client_without_offline_access_cannot_refresh_offline;
}

const fn expected(change: Change, use_: Use) -> Outcome {
    use Outcome::*;
    match change {
        Change::Nothing => Success,
        Change::UserDisabled
        | Change::UserRowDisabled
        | Change::UserDisabledAndEnabled
        | Change::PasswordSet => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline => InvalidGrant,
            Use::ClientCredentials => Success,
            Use::Silent => LoginRequired,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        Change::PasswordChanged => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline => InvalidGrant,
            Use::ClientCredentials | Use::Silent => Success,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        Change::SessionEnded => match use_ {
            Use::Redeem | Use::Refresh => InvalidGrant,
            Use::RefreshOffline | Use::ClientCredentials => Success,
            Use::Silent => LoginRequired,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        Change::ConsentWithdrawn => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline => InvalidGrant,
            Use::ClientCredentials => Success,
            Use::Silent => ConsentRequired,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        Change::ClientDisabled | Change::ClientDeleted => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline | Use::ClientCredentials => {
                InvalidClient
            }
            Use::Silent => Page,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        Change::ClientDisabledAndEnabled => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline => InvalidGrant,
            Use::ClientCredentials | Use::Silent => Success,
            Use::Introspect => Inactive,
            Use::UserInfo => InvalidToken,
        },
        // Issued access tokens stay valid until they expire, minutes later; new ones are not issued.
        Change::PersonalGrantsRemoved => match use_ {
            Use::Redeem | Use::Refresh | Use::RefreshOffline => Unauthorized,
            // The redirect URIs were removed with the grant type.
            Use::Silent => Page,
            Use::ClientCredentials | Use::Introspect | Use::UserInfo => Success,
        },
        Change::OwnGrantRemoved => match use_ {
            Use::ClientCredentials => Unauthorized,
            Use::Redeem
            | Use::Refresh
            | Use::RefreshOffline
            | Use::Silent
            | Use::Introspect
            | Use::UserInfo => Success,
        },
        Change::ScopeRemoved => match use_ {
            Use::Silent => InvalidScope,
            Use::Redeem
            | Use::Refresh
            | Use::RefreshOffline
            | Use::ClientCredentials
            | Use::Introspect
            | Use::UserInfo => Success,
        },
        Change::OfflineRemoved => match use_ {
            Use::RefreshOffline => InvalidGrant,
            Use::Redeem
            | Use::Refresh
            | Use::ClientCredentials
            | Use::Silent
            | Use::Introspect
            | Use::UserInfo => Success,
        },
    }
}

/// What was issued before the change.
struct Issued {
    code: String,
    refresh: String,
    offline: String,
    access: String,
}

const SCOPE: &str = "openid email";
const OFFLINE: &str = "openid email offline_access";

async fn issue_all(server: &Server, browser: &mut Browser<'_>, client: &Client) -> Issued {
    let both = format!("&resource={API}&resource={}", kit::server::ISSUER);
    let mut code = async |scope: &str| {
        let page = browser.authorize("ada", client, scope, &both).await;
        page.parameter("code")
    };
    let bound = server.redeem(client, &code(SCOPE).await).await.ok();
    let offline = server.redeem(client, &code(OFFLINE).await).await.ok();
    Issued {
        code: code(OFFLINE).await,
        refresh: bound.token("refresh_token"),
        offline: offline.token("refresh_token"),
        access: bound.token("access_token"),
    }
}

async fn apply(
    change: Change,
    server: &Server,
    browser: &mut Browser<'_>,
    client: &Client,
    user: &User,
) {
    let id = ClientId::from_text(&client.id);
    match change {
        Change::Nothing => {}
        Change::UserDisabled => server.disable_user(user).await,
        Change::UserRowDisabled => {
            sql("UPDATE users SET disabled_at = $1 WHERE id = $2")
                .bind(server.trace().now())
                .bind(&user.id)
                .execute(server.app().store.db())
                .await
                .unwrap();
        }
        Change::UserDisabledAndEnabled => {
            server.disable_user(user).await;
            server.enable_user(user).await;
        }
        Change::PasswordSet => server.set_password(user, "another battery staple").await,
        Change::PasswordChanged => {
            let new = "another battery staple";
            let fields = [("current", PASSWORD), ("new", new), ("again", new)];
            let done = browser.submit_on_account_page("/account/password", &fields).await;
            assert!(done.url.contains("notice="), "{done:?}");
        }
        Change::SessionEnded => server.end_sessions(user).await,
        Change::ConsentWithdrawn => {
            let fields = [("client_id", client.id.as_str())];
            let done =
                browser.submit_on_account_page("/account/applications/withdraw", &fields).await;
            assert!(done.url.contains("notice="), "{done:?}");
        }
        Change::ClientDisabled => server.disable_client(client).await,
        Change::ClientDisabledAndEnabled => {
            server.disable_client(client).await;
            server.enable_client(client).await;
        }
        Change::ClientDeleted => {
            server.administer_clients(async |registrar| registrar.delete(&id).await.unwrap()).await;
        }
        Change::PersonalGrantsRemoved => {
            server
                .update_client(client, |metadata| {
                    metadata.grant_types = vec![GrantType::ClientCredentials];
                    metadata.response_types = Vec::new();
                    metadata.redirect_uris = Vec::new();
                })
                .await;
        }
        Change::OwnGrantRemoved => {
            let is_user_grant = |grant: &GrantType| *grant != GrantType::ClientCredentials;
            server
                .update_client(client, |metadata| metadata.grant_types.retain(is_user_grant))
                .await;
        }
        Change::ScopeRemoved => {
            let scope = "openid offline_access read";
            server.update_client(client, |metadata| metadata.scope = scope.to_owned()).await;
        }
        Change::OfflineRemoved => {
            let scope = "openid email read";
            server.update_client(client, |metadata| metadata.scope = scope.to_owned()).await;
        }
    }
}

async fn perform(
    use_: Use,
    server: &Server,
    browser: &mut Browser<'_>,
    (client, api): (&Client, &Client),
    issued: &Issued,
) -> Outcome {
    let response = match use_ {
        Use::Redeem => server.redeem(client, &issued.code).await,
        Use::Refresh => server.refresh(client, &issued.refresh, "").await,
        Use::RefreshOffline => server.refresh(client, &issued.offline, "").await,
        Use::ClientCredentials => {
            server.post_as(client, "/token", "grant_type=client_credentials").await
        }
        Use::Silent => {
            let silent = authorize_target(client, SCOPE) + "&prompt=none&resource=" + API;
            return silent_outcome(&browser.open(&silent).await);
        }
        Use::Introspect => {
            let form = format!("token={}", issued.access);
            let response = server.post_as(api, "/introspect", &form).await.ok();
            if response.body["active"] == Value::Bool(true) {
                return Outcome::Success;
            }
            assert_eq!(response.body, json!({ "active": false }), "THREATS JO-17");
            return Outcome::Inactive;
        }
        Use::UserInfo => server.userinfo(&issued.access).await,
    };
    match (response.status, response.body["error"].as_str()) {
        (200, None) => Outcome::Success,
        (400, Some("invalid_grant")) => Outcome::InvalidGrant,
        (401, Some("invalid_client")) => Outcome::InvalidClient,
        (400, Some("unauthorized_client")) => Outcome::Unauthorized,
        (401, Some("invalid_token")) => Outcome::InvalidToken,
        _ => panic!("{use_:?}: {response:?}"),
    }
}

fn silent_outcome(page: &Page) -> Outcome {
    if page.url.starts_with('/') {
        assert_eq!(page.response.status, 400, "{page:?}");
        return Outcome::Page;
    }
    if page.url.contains("code=") {
        return Outcome::Success;
    }
    match page.parameter("error").as_str() {
        "login_required" => Outcome::LoginRequired,
        "consent_required" => Outcome::ConsentRequired,
        "invalid_scope" => Outcome::InvalidScope,
        _ => panic!("{page:?}"),
    }
}

async fn every_use_has_the_expected_outcome(change: Change) {
    let server = Server::start().await;
    let user = server.user("ada").await;
    server.create_resource(API).await;
    let api = server.register(json!({
        "grant_types": ["client_credentials"],
        "gw_resources": [API],
    }));
    let api = api.await;
    let client = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid email offline_access read",
            "gw_allowed_resources": [API],
        }))
        .await;
    let mut browser = Browser::new(&server);
    let issued = issue_all(&server, &mut browser, &client).await;

    apply(change, &server, &mut browser, &client, &user).await;

    let uses = GrantType::ALL.iter().flat_map(|grant| uses_of(*grant)).copied();
    for use_ in uses.chain([Use::Introspect, Use::UserInfo]) {
        let outcome = perform(use_, &server, &mut browser, (&client, &api), &issued).await;
        assert_eq!(outcome, expected(change, use_), "{change:?}, {use_:?}");
    }
}

/// THREATS X-11, for a client's own tokens: those from before it was disabled stay revoked when it is
/// enabled again; new ones are valid.
#[tokio::test]
async fn own_tokens_from_before_a_client_was_disabled_stay_revoked() {
    let server = Server::start().await;
    for format in ["jwt", "opaque"] {
        let client = server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_access_token_format": format,
            "gw_access_token_lifetime": 3600,
        }));
        let client = client.await;
        let before = server.client_credentials_token(&client).await;
        assert!(server.is_active(&client, &before).await);

        server.advance_clock(60);
        server.disable_client(&client).await;
        server.advance_clock(60);
        server.enable_client(&client).await;
        let after = server.client_credentials_token(&client).await;

        assert!(!server.is_active(&client, &before).await, "{format}");
        assert!(server.is_active(&client, &after).await, "{format}");
    }
}
