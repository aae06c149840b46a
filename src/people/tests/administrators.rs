//! Roles, invitations and recoveries.

use super::*;
use crate::people::links::{self, NewOwner};
use crate::people::update;
use crate::roles;
use crate::store::roles as stored;
use crate::types::token::LinkSecret;
use crate::types::{Actor, Code, Error, Holder, Role, SessionId};

fn holder(user: &User) -> Holder {
    Holder::User(user.id.clone())
}

fn code<T>(done: Result<T>) -> Option<Code> {
    match done {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some(refusal.code),
        Err(Error::Failed(failure)) => panic!("{failure}"),
    }
}

impl Fixture {
    /// A user with these roles.
    async fn administrator(&self, name: &str, roles: &[Role]) -> User {
        let user = self.account(name).await;
        for role in roles {
            let people = self.people();
            assert!(roles::grant(&people, &holder(&user), *role).await.unwrap());
        }
        user
    }

    /// The trace of what this user does to others.
    fn by(&self, user: &User) -> Trace {
        Trace { actor: Some(Actor::Holder(holder(user))), ..self.trace.clone() }
    }

    fn people_by<'a>(&'a self, trace: &'a Trace) -> People<'a> {
        let context = Context { now: self.now, ..Context::new(&self.store, &self.config, trace) };
        People { context, hasher: &self.hasher }
    }
}

/// THREATS AD-05: on every path that changes a user.
#[tokio::test]
async fn nobody_acts_on_an_administrator_who_may_do_more() {
    let f = Fixture::build().await;
    let owner = f.administrator("owner", &[Role::Owner]).await;
    f.administrator("second", &[Role::Owner]).await;
    let support = f.administrator("support", &[Role::Support]).await;
    let plain = f.account("plain").await;
    let trace = f.by(&support);
    let people = f.people_by(&trace);

    for target in [&owner, &plain] {
        let id = &target.id;
        let expected = (*id == owner.id).then_some(Code::Forbidden);
        let session = SessionId::from_text("none");
        assert_eq!(code(links::start_recovery(&people, id, || Ok(())).await), expected);
        assert_eq!(code(session::end(&people, id, &session).await), expected);
        assert_eq!(code(session::end_others(&people, id, None).await), expected);
        let changes = update::Changes { email: Some(Some("x@example.org")), ..Default::default() };
        assert_eq!(code(update::update(&people, id, &changes).await), expected);
        assert_eq!(code(account::disable(&people, id).await), expected);
        assert_eq!(code(account::enable(&people, id).await), expected);
        assert_eq!(code(update::delete(&people, id).await), expected);
    }
    assert_eq!(
        code(roles::grant(&people, &holder(&support), Role::Owner).await),
        Some(Code::Forbidden)
    );
    let taken = roles::revoke(&people, &holder(&owner), Role::Owner).await;
    assert_eq!(code(taken), Some(Code::Forbidden));
    // Their own sessions are theirs, and an owner may end those of the support.
    assert_eq!(code(session::end_others(&people, &support.id, None).await), None);
    let trace = f.by(&owner);
    assert_eq!(code(account::disable(&f.people_by(&trace), &support.id).await), None);
}

/// THREATS AD-12.
#[tokio::test]
async fn the_last_owner_stays_when_all_are_removed_at_once() {
    for _ in 0..5 {
        let f = Fixture::build().await;
        let a = f.administrator("a", &[Role::Owner]).await;
        let b = f.administrator("b", &[Role::Owner]).await;
        let c = f.administrator("c", &[Role::Owner]).await;
        let people = f.people();
        let (x, y, z) =
            tokio::join!(account::disable(&people, &a.id), update::delete(&people, &b.id), async {
                roles::revoke(&people, &holder(&c), Role::Owner).await
            },);
        let outcomes = [code(x), code(y), code(z)];
        let refused = outcomes.iter().filter(|one| **one == Some(Code::Conflict)).count();
        assert_eq!(refused, 1, "{outcomes:?}");
        assert!(stored::has_owner(f.store.db(), "").await.unwrap());
    }
}

#[tokio::test]
async fn an_invitation_makes_one_owner_and_only_the_latest_is_valid() {
    let f = Fixture::build().await;
    let people = f.people();
    let replaced = links::invite(&people).await.unwrap().secret;
    let link = links::invite(&people).await.unwrap().secret;
    assert!(!links::is_invited(&f.store, &replaced, f.now).await.unwrap());
    assert!(links::is_invited(&f.store, &link, f.now).await.unwrap());
    let ada = f.account("ada").await;
    let existing = || NewOwner::Existing(&ada.id);
    assert_eq!(code(links::accept(&people, &replaced, existing()).await), Some(Code::NotFound));

    // Two at once: one becomes owner, the account of the other is not created.
    let password = Secret::new(ANOTHER);
    let new = NewOwner::New(NewAccount {
        username: "grace",
        email: None,
        email_verified: false,
        claims: Map::new(),
        password: Some(&password),
    });
    let (one, other) =
        tokio::join!(links::accept(&people, &link, existing()), links::accept(&people, &link, new));
    let outcomes = [code(one), code(other)];
    assert!(outcomes.contains(&None) && outcomes.contains(&Some(Code::NotFound)), "{outcomes:?}");
    let owners = stored::all(f.store.db()).await.unwrap();
    assert_eq!(owners.iter().map(|row| row.role.as_str()).collect::<Vec<_>>(), ["owner"]);
    let made = crate::store::users::by_name(f.store.db(), "grace").await.unwrap().is_some();
    assert_eq!(made, outcomes[1].is_none());
}

#[tokio::test]
async fn an_invitation_ends_after_a_day_and_a_refused_password_does_not_use_it() {
    let mut f = Fixture::build().await;
    let link = links::invite(&f.people()).await.unwrap().secret;
    let weak = Secret::new("password1234");
    let new = NewOwner::New(NewAccount {
        username: "grace",
        email: None,
        email_verified: false,
        claims: Map::new(),
        password: Some(&weak),
    });
    assert!(code(links::accept(&f.people(), &link, new).await).is_some());
    f.now = f.now + links::LIFETIME - Seconds(1);
    assert!(links::is_invited(&f.store, &link, f.now).await.unwrap());
    f.now = f.now + Seconds(1);
    assert!(!links::is_invited(&f.store, &link, f.now).await.unwrap());
    let ada = f.account("ada").await;
    let late = links::accept(&f.people(), &link, NewOwner::Existing(&ada.id)).await;
    assert_eq!(code(late), Some(Code::NotFound));
}

#[tokio::test]
async fn a_recovery_sets_a_password_once_and_ends_the_sessions() {
    let f = Fixture::build().await;
    let ada = f.account("ada").await;
    let (_, session) = f.signed_in("ada").await;
    let replaced = links::start_recovery(&f.people(), &ada.id, || Ok(())).await.unwrap().secret;
    let link = links::start_recovery(&f.people(), &ada.id, || Ok(())).await.unwrap().secret;
    let new = Secret::new(ANOTHER);
    let people = f.people();
    assert_eq!(code(links::recover(&people, &replaced, &new).await), Some(Code::NotFound));
    let weak = links::recover(&people, &link, &Secret::new("short")).await;
    assert_eq!(code(weak), Some(Code::InvalidRequest));
    let (one, other) =
        tokio::join!(links::recover(&people, &link, &new), links::recover(&people, &link, &new));
    let mut outcomes = [code(one), code(other)];
    outcomes.sort_by_key(Option::is_some);
    assert_eq!(outcomes, [None, Some(Code::NotFound)]);

    let sessions = session::of_user(&f.store, &ada.id, f.now).await.unwrap();
    assert!(sessions.iter().all(|one| one.id != session.id), "{sessions:?}");
}

#[tokio::test]
async fn a_recovery_is_void_once_the_password_is_set_or_the_account_is_disabled() {
    let f = Fixture::build().await;
    let ada = f.account("ada").await;
    let people = f.people();
    let link = links::start_recovery(&people, &ada.id, || Ok(())).await.unwrap().secret;
    assert!(links::recovering(&people, &link).await.unwrap().is_some());
    account::set_password(&people, &ada.id, &Secret::new(ANOTHER)).await.unwrap();
    assert!(links::recovering(&people, &link).await.unwrap().is_none());

    let link = links::start_recovery(&people, &ada.id, || Ok(())).await.unwrap().secret;
    account::disable(&people, &ada.id).await.unwrap();
    assert_eq!(
        code(links::start_recovery(&people, &ada.id, || Ok(())).await),
        Some(Code::Conflict)
    );
    account::enable(&people, &ada.id).await.unwrap();
    assert!(links::recovering(&people, &link).await.unwrap().is_none());
}

/// THREATS AD-05: the reader of a link for a user would otherwise have the roles that the user gets later.
#[tokio::test]
async fn a_role_invalidates_earlier_recovery_links() {
    let f = Fixture::build().await;
    let people = f.people();
    let by_invitation = f.account("ada").await;
    let by_grant = f.account("bob").await;
    let links = [
        links::start_recovery(&people, &by_invitation.id, || Ok(())).await.unwrap().secret,
        links::start_recovery(&people, &by_grant.id, || Ok(())).await.unwrap().secret,
    ];
    let invitation = links::invite(&people).await.unwrap().secret;

    let owner = NewOwner::Existing(&by_invitation.id);
    links::accept(&people, &invitation, owner).await.unwrap();
    roles::grant(&people, &holder(&by_grant), Role::Support).await.unwrap();

    for link in &links {
        let recovered = links::recover(&people, link, &Secret::new(ANOTHER)).await;
        assert_eq!(code(recovered), Some(Code::NotFound));
    }
}

/// An old session must not become a recent authentication.
#[tokio::test]
async fn an_administrator_does_not_recover_their_own_account() {
    let f = Fixture::build().await;
    let owner = f.administrator("owner", &[Role::Owner]).await;
    let trace = f.by(&owner);

    let own = links::start_recovery(&f.people_by(&trace), &owner.id, || Ok(())).await;

    assert_eq!(code(own), Some(Code::Forbidden));
}

/// THREATS DO-01: strangers send any number of links that do not exist.
#[tokio::test]
async fn an_invalid_invitation_costs_no_hash() {
    let f = Fixture::build().await;
    let before = f.hasher.computed();
    let password = Secret::new(ANOTHER);
    let new = NewOwner::New(NewAccount { password: Some(&password), ..blank("eve", None) });

    let refused = links::accept(&f.people(), &LinkSecret::generate(), new).await;

    assert_eq!(code(refused), Some(Code::NotFound));
    assert_eq!(f.hasher.computed(), before);
}
