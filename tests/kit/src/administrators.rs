//! Administrators, and the pages of the console.

use gatewright::roles;
use gatewright::types::{Holder, Role, User};

use crate::browser::{Browser, Page};
use crate::server::Server;

impl Server {
    /// Creates an account with this role; without one, an ordinary user.
    pub async fn administrator(&self, username: &str, role: Option<Role>) -> User {
        let user = self.user(username).await;
        if let Some(role) = role {
            self.give_role(&user, role).await;
        }
        user
    }

    /// As `gatewright admin grant` does.
    pub async fn give_role(&self, user: &User, role: Role) {
        let (app, trace) = (self.app(), self.trace());
        let holder = Holder::User(user.id.clone());
        assert!(roles::grant(&app.context(&trace), &holder, role).await.unwrap());
    }

    /// As `gatewright admin revoke` does.
    pub async fn take_role(&self, user: &User, role: Role) {
        let (app, trace) = (self.app(), self.trace());
        let holder = Holder::User(user.id.clone());
        assert!(roles::revoke(&app.context(&trace), &holder, role).await.unwrap());
    }

    /// A browser in which a new administrator is signed in.
    pub async fn console(&self, username: &str, role: Role) -> Browser<'_> {
        self.administrator(username, Some(role)).await;
        let mut browser = Browser::new(self);
        browser.sign_in(username).await;
        browser
    }
}

impl Browser<'_> {
    /// Opens the page that asks before an action, and confirms it.
    pub async fn confirm(&mut self, target: &str) -> Page {
        let page = self.open(target).await;
        assert_eq!(page.response.status, 200, "{page:?}");
        self.submit(&page, &[]).await
    }
}
