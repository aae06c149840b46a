//! The operations of administrators on users, clients, sessions and APIs, and the requests that use
//! tokens afterwards.

use gatewright::flow::clients::resources;
use gatewright::flow::grants::applications;
use gatewright::people::update::{self, Changes};
use gatewright::people::{account, session};
use gatewright::store::audit_events::{self, AuditRow, Filter};
use gatewright::types::client::Metadata;
use gatewright::types::{ClientId, Resource, Secret, User};
use serde_json::{Value, json};

use crate::http::{RequestBuilder, Response};
use crate::server::{Client, Server};

impl Server {
    /// A token request with `grant_type=refresh_token`, not yet sent.
    pub fn refresh_request(&self, client: &Client, token: &str, more: &str) -> RequestBuilder {
        let form = format!("grant_type=refresh_token&refresh_token={token}{more}");
        self.request("POST", "/token").basic(&client.id, &client.secret).form(&form)
    }

    /// `grant_type=refresh_token`.
    pub async fn refresh(&self, client: &Client, token: &str, more: &str) -> Response {
        self.refresh_request(client, token, more).send().await
    }

    /// Introspects a token as a client with the right to: whether the token is active.
    pub async fn is_active(&self, client: &Client, token: &str) -> bool {
        let response = self.post_as(client, "/introspect", &format!("token={token}")).await.ok();
        response.body["active"].as_bool().unwrap()
    }

    /// The UserInfo request of OIDC Core §5.3.1.
    pub async fn userinfo(&self, token: &str) -> Response {
        self.request("GET", "/userinfo").bearer(token).send().await
    }

    /// As `gatewright user disable` does.
    pub async fn disable_user(&self, user: &User) {
        let trace = self.trace();
        assert!(account::disable(&self.app().people(&trace), &user.id).await.unwrap());
    }

    /// As `gatewright user enable` does.
    pub async fn enable_user(&self, user: &User) {
        let trace = self.trace();
        assert!(account::enable(&self.app().people(&trace), &user.id).await.unwrap());
    }

    /// As `gatewright user update --username` does.
    pub async fn rename_user(&self, user: &User, username: &str) {
        let trace = self.trace();
        let changes = Changes { username: Some(username), ..Changes::default() };
        update::update(&self.app().people(&trace), &user.id, &changes).await.unwrap();
    }

    /// As `gatewright user delete` does.
    pub async fn delete_user(&self, user: &User) {
        let trace = self.trace();
        assert!(update::delete(&self.app().people(&trace), &user.id).await.unwrap());
    }

    /// As `gatewright user unlock` does.
    pub async fn unlock_user(&self, user: &User) {
        let trace = self.trace();
        account::unlock(&self.app().people(&trace), &user.id).await.unwrap();
    }

    /// As `gatewright user set-password` does.
    pub async fn set_password(&self, user: &User, password: &str) {
        let trace = self.trace();
        let people = self.app().people(&trace);
        account::set_password(&people, &user.id, &Secret::new(password)).await.unwrap();
    }

    /// Ends every session of a user.
    pub async fn end_sessions(&self, user: &User) {
        let trace = self.trace();
        let ended = session::end_others(&self.app().people(&trace), &user.id, None).await;
        assert!(ended.unwrap() > 0);
    }

    /// Withdraws a user's consent to a client.
    pub async fn withdraw_consent(&self, user: &User, client: &Client) {
        let trace = self.trace();
        let call = self.app().call(&trace);
        let id = ClientId::from_text(&client.id);
        assert!(applications::withdraw(&call, &user.id, &id).await.unwrap());
    }

    /// Changes a client's registration.
    pub async fn update_client(&self, client: &Client, change: impl FnOnce(&mut Metadata)) {
        let registered = self.find_client(client).await;
        let mut metadata = registered.metadata.clone();
        change(&mut metadata);
        self.administer_clients(async |registrar| {
            registrar.update(&registered, metadata).await.unwrap();
        })
        .await;
    }

    /// Registers an API.
    pub async fn create_resource(&self, id: &str) {
        self.create_resource_from(json!({ "id": id, "name": "Photos" })).await;
    }

    /// Registers an API from the JSON that `gatewright --json resource list` prints.
    pub async fn create_resource_from(&self, resource: Value) {
        let app = self.app();
        let resource: Resource = serde_json::from_value(resource).unwrap();
        let issuer = &app.config.issuer;
        resources::create(&app.store, issuer, &resource, &self.trace()).await.unwrap();
        app.confirm().await.unwrap();
    }

    /// Replaces the registration of an API.
    pub async fn update_resource(&self, resource: Value) {
        let app = self.app();
        let resource: Resource = serde_json::from_value(resource).unwrap();
        let issuer = &app.config.issuer;
        resources::update(&app.store, issuer, &resource, &self.trace()).await.unwrap();
        app.confirm().await.unwrap();
    }

    /// Disables a client.
    pub async fn disable_client(&self, client: &Client) {
        let id = ClientId::from_text(&client.id);
        self.administer_clients(async |registrar| registrar.disable(&id).await.unwrap()).await;
    }

    /// Enables a client again.
    pub async fn enable_client(&self, client: &Client) {
        let id = ClientId::from_text(&client.id);
        self.administer_clients(async |registrar| registrar.enable(&id).await.unwrap()).await;
    }

    /// The audit events of this kind, newest first; an empty kind matches all.
    pub async fn audit_events(&self, kind: &str) -> Vec<AuditRow> {
        let app = self.app();
        app.recorder.flush().await;
        let filter = Filter { kind: kind.to_owned(), most: 10_000, ..Filter::default() };
        audit_events::list(app.store.db(), &filter).await.unwrap()
    }
}
