//! THREATS M1: every way to a token or to what it opens × whatever may have changed about the person,
//! the application, the sign-in or the consent between the beginning and the use.
//!
//! Ways and changes are enumerations, and what is expected is a `match` without a rest: a new grant or a
//! new change does not compile until every cell is judged.

use gatewright::types::client::GrantType;
use gatewright::types::{ClientId, User};
use serde_json::{Value, json};

use kit::browser::{Browser, Place, request};
use kit::server::{Client, PASSWORD, Server};

const API: &str = "https://photos.example";

/// A way to a token, or to what one opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A code that was issued before.
    Redeem,
    /// A refresh token that lives and dies with its sign-in.
    Refresh,
    /// One that outlives it.
    RefreshOffline,
    /// The client's own.
    ClientCredentials,
    /// `prompt=none` in the browser that is signed in.
    Silent,
    /// An access token, asked about by the API that it is for.
    Introspect,
    /// An access token at userinfo.
    UserInfo,
}

/// Every grant has a way; so has what is no grant.
const fn ways_of(grant: GrantType) -> &'static [Way] {
    match grant {
        GrantType::AuthorizationCode => &[Way::Redeem, Way::Silent],
        GrantType::RefreshToken => &[Way::Refresh, Way::RefreshOffline],
        GrantType::ClientCredentials => &[Way::ClientCredentials],
    }
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// A token, a code, claims, `"active":true`.
    Good,
    /// 400 `invalid_grant`.
    InvalidGrant,
    /// 401 `invalid_client`.
    InvalidClient,
    /// 400 `unauthorized_client`.
    Unauthorized,
    /// `{"active":false}`, and not a word more.
    Inactive,
    /// 401 `invalid_token`.
    InvalidToken,
    /// By redirect.
    LoginRequired,
    /// By redirect.
    ConsentRequired,
    /// By redirect.
    InvalidScope,
    /// A page, and no redirect.
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
                is_judged_at_use(Change::$name).await;
            }
        )*
    };
}

changes! {
    /// So that every cell below is known to differ from this.
    Nothing when_nothing_changes_everything_lives;
    UserDisabled a_disabled_user_gets_nothing;
    UserDisabledAndEnabled what_a_user_had_before_they_were_disabled_stays_dead;
    PasswordSet a_password_that_was_set_ends_everything_before_it;
    PasswordChanged a_password_that_was_changed_ends_everything_but_this_session;
    SessionEnded what_is_bound_to_a_session_ends_with_it;
    ConsentWithdrawn a_withdrawn_consent_ends_what_came_of_it;
    ClientDisabled a_disabled_client_gets_nothing;
    ClientDisabledAndEnabled what_a_client_had_before_it_was_disabled_stays_dead;
    ClientDeleted a_deleted_client_gets_nothing;
    PersonalGrantsRemoved a_client_that_may_not_act_for_people_does_not;
    OwnGrantRemoved a_client_that_may_not_act_for_itself_does_not;
    ScopeRemoved a_scope_that_was_taken_from_a_client_is_not_given_again;
    OfflineRemoved a_client_that_may_not_be_offline_is_not;
}

const fn expected(change: Change, way: Way) -> Comes {
    use Comes::*;
    match change {
        Change::Nothing => Good,
        Change::UserDisabled | Change::UserDisabledAndEnabled | Change::PasswordSet => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline => InvalidGrant,
            Way::ClientCredentials => Good,
            Way::Silent => LoginRequired,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        Change::PasswordChanged => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline => InvalidGrant,
            Way::ClientCredentials | Way::Silent => Good,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        Change::SessionEnded => match way {
            Way::Redeem | Way::Refresh => InvalidGrant,
            Way::RefreshOffline | Way::ClientCredentials => Good,
            Way::Silent => LoginRequired,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        Change::ConsentWithdrawn => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline => InvalidGrant,
            Way::ClientCredentials => Good,
            Way::Silent => ConsentRequired,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        Change::ClientDisabled | Change::ClientDeleted => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline | Way::ClientCredentials => {
                InvalidClient
            }
            Way::Silent => Page,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        Change::ClientDisabledAndEnabled => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline => InvalidGrant,
            Way::ClientCredentials | Way::Silent => Good,
            Way::Introspect => Inactive,
            Way::UserInfo => InvalidToken,
        },
        // What was issued lives to its end, which is minutes away: nothing new comes of it.
        Change::PersonalGrantsRemoved => match way {
            Way::Redeem | Way::Refresh | Way::RefreshOffline => Unauthorized,
            // Its redirect URIs went with the grant.
            Way::Silent => Page,
            Way::ClientCredentials | Way::Introspect | Way::UserInfo => Good,
        },
        Change::OwnGrantRemoved => match way {
            Way::ClientCredentials => Unauthorized,
            Way::Redeem
            | Way::Refresh
            | Way::RefreshOffline
            | Way::Silent
            | Way::Introspect
            | Way::UserInfo => Good,
        },
        Change::ScopeRemoved => match way {
            Way::Silent => InvalidScope,
            Way::Redeem
            | Way::Refresh
            | Way::RefreshOffline
            | Way::ClientCredentials
            | Way::Introspect
            | Way::UserInfo => Good,
        },
        Change::OfflineRemoved => match way {
            Way::RefreshOffline => InvalidGrant,
            Way::Redeem
            | Way::Refresh
            | Way::ClientCredentials
            | Way::Silent
            | Way::Introspect
            | Way::UserInfo => Good,
        },
    }
}

/// What was begun before the change.
struct Begun {
    code: String,
    refresh: String,
    offline: String,
    access: String,
}

const SCOPE: &str = "openid email";
const OFFLINE: &str = "openid email offline_access";

async fn begin(server: &Server, browser: &mut Browser<'_>, client: &Client) -> Begun {
    let both = format!("&resource={API}&resource={}", kit::server::ISSUER);
    let mut code = async |scope: &str| {
        let place = browser.authorize("ada", client, scope, &both).await;
        place.parameter("code")
    };
    let bound = server.redeem(client, &code(SCOPE).await).await.ok();
    let offline = server.redeem(client, &code(OFFLINE).await).await.ok();
    Begun {
        code: code(OFFLINE).await,
        refresh: bound.token("refresh_token"),
        offline: offline.token("refresh_token"),
        access: bound.token("access_token"),
    }
}

async fn make(
    change: Change,
    server: &Server,
    browser: &mut Browser<'_>,
    client: &Client,
    user: &User,
) {
    let id = ClientId::from_text(&client.id);
    match change {
        Change::Nothing => {}
        Change::UserDisabled => server.disable(user).await,
        Change::UserDisabledAndEnabled => {
            server.disable(user).await;
            server.enable(user).await;
        }
        Change::PasswordSet => server.set_password(user, "another battery staple").await,
        Change::PasswordChanged => {
            let new = "another battery staple";
            let fields = [("current", PASSWORD), ("new", new), ("again", new)];
            let done = browser.on_account("/account/password", &fields).await;
            assert!(done.at.contains("notice="), "{done:?}");
        }
        Change::SessionEnded => server.end_sessions(user).await,
        Change::ConsentWithdrawn => {
            let fields = [("client_id", client.id.as_str())];
            let done = browser.on_account("/account/applications/withdraw", &fields).await;
            assert!(done.at.contains("notice="), "{done:?}");
        }
        Change::ClientDisabled => server.disable_client(client).await,
        Change::ClientDisabledAndEnabled => {
            server.disable_client(client).await;
            server.enable_client(client).await;
        }
        Change::ClientDeleted => {
            server.administer(async |registrar| registrar.delete(&id).await.unwrap()).await;
        }
        Change::PersonalGrantsRemoved => {
            server
                .change(client, |metadata| {
                    metadata.grant_types = vec![GrantType::ClientCredentials];
                    metadata.response_types = Vec::new();
                    metadata.redirect_uris = Vec::new();
                })
                .await;
        }
        Change::OwnGrantRemoved => {
            let own = |grant: &GrantType| *grant != GrantType::ClientCredentials;
            server.change(client, |metadata| metadata.grant_types.retain(own)).await;
        }
        Change::ScopeRemoved => {
            let scope = "openid offline_access read";
            server.change(client, |metadata| metadata.scope = scope.to_owned()).await;
        }
        Change::OfflineRemoved => {
            let scope = "openid email read";
            server.change(client, |metadata| metadata.scope = scope.to_owned()).await;
        }
    }
}

async fn go(
    way: Way,
    server: &Server,
    browser: &mut Browser<'_>,
    (client, api): (&Client, &Client),
    begun: &Begun,
) -> Comes {
    let answer = match way {
        Way::Redeem => server.redeem(client, &begun.code).await,
        Way::Refresh => server.refresh(client, &begun.refresh, "").await,
        Way::RefreshOffline => server.refresh(client, &begun.offline, "").await,
        Way::ClientCredentials => {
            server.post_as(client, "/token", "grant_type=client_credentials").await
        }
        Way::Silent => {
            let silent = request(client, SCOPE) + "&prompt=none&resource=" + API;
            return silently(&browser.open(&silent).await);
        }
        Way::Introspect => {
            let form = format!("token={}", begun.access);
            let answer = server.post_as(api, "/introspect", &form).await.ok();
            if answer.body["active"] == Value::Bool(true) {
                return Comes::Good;
            }
            assert_eq!(answer.body, json!({ "active": false }), "THREATS JO-17");
            return Comes::Inactive;
        }
        Way::UserInfo => server.userinfo(&begun.access).await,
    };
    match (answer.status, answer.body["error"].as_str()) {
        (200, None) => Comes::Good,
        (400, Some("invalid_grant")) => Comes::InvalidGrant,
        (401, Some("invalid_client")) => Comes::InvalidClient,
        (400, Some("unauthorized_client")) => Comes::Unauthorized,
        (401, Some("invalid_token")) => Comes::InvalidToken,
        _ => panic!("{way:?}: {answer:?}"),
    }
}

fn silently(place: &Place) -> Comes {
    if place.at.starts_with('/') {
        assert_eq!(place.answer.status, 400, "{place:?}");
        return Comes::Page;
    }
    if place.at.contains("code=") {
        return Comes::Good;
    }
    match place.parameter("error").as_str() {
        "login_required" => Comes::LoginRequired,
        "consent_required" => Comes::ConsentRequired,
        "invalid_scope" => Comes::InvalidScope,
        _ => panic!("{place:?}"),
    }
}

async fn is_judged_at_use(change: Change) {
    let server = Server::start().await;
    let user = server.user("ada").await;
    server.resource(API).await;
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
    let mut browser = Browser::of(&server);
    let begun = begin(&server, &mut browser, &client).await;

    make(change, &server, &mut browser, &client, &user).await;

    let ways = GrantType::ALL.iter().flat_map(|grant| ways_of(*grant)).copied();
    for way in ways.chain([Way::Introspect, Way::UserInfo]) {
        let comes = go(way, &server, &mut browser, (&client, &api), &begun).await;
        assert_eq!(comes, expected(change, way), "{change:?}, {way:?}");
    }
}

/// THREATS X-11, for what is the client's own: nothing that it had comes back when it is enabled, be it the next
/// day; what it is given then lives.
#[tokio::test]
async fn a_clients_own_tokens_do_not_come_back_with_it() {
    let server = Server::start().await;
    for format in ["jwt", "opaque"] {
        let client = server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_access_token_format": format,
            "gw_access_token_lifetime": 3600,
        }));
        let client = client.await;
        let before = server.token_of(&client).await;
        assert!(server.is_active(&client, &before).await);

        server.wait(60);
        server.disable_client(&client).await;
        server.wait(60);
        server.enable_client(&client).await;
        let after = server.token_of(&client).await;

        assert!(!server.is_active(&client, &before).await, "{format}");
        assert!(server.is_active(&client, &after).await, "{format}");
    }
}
