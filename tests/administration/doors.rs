//! Actions and their doors: the API, the console and the command line offer the same.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use gatewright::admin::Action;
use gatewright::api::Access;
use gatewright::cli::Cli;

/// The command of an action.
const fn command(action: Action) -> &'static str {
    match action {
        Action::ReadClients => "client list",
        Action::CreateClient => "client create",
        Action::UpdateClient => "client update",
        Action::RotateClientSecret => "client rotate-secret",
        Action::DisableClient => "client disable",
        Action::EnableClient => "client enable",
        Action::DeleteClient => "client delete",
        Action::ReadResources => "resource list",
        Action::CreateResource => "resource create",
        Action::UpdateResource => "resource update",
        Action::DeleteResource => "resource delete",
        Action::ReadUsers => "user list",
        Action::CreateUser => "user create",
        Action::UpdateUser => "user update",
        Action::DisableUser => "user disable",
        Action::EnableUser => "user enable",
        Action::UnlockUser => "user unlock",
        Action::DeleteUser => "user delete",
        Action::SetPassword => "user set-password",
        Action::StartRecovery => "user recover",
        Action::ReadSessions => "user sessions",
        Action::EndSessions => "user end-sessions",
        Action::RevokeAccess => "user revoke-access",
        Action::ReadKeys => "key list",
        Action::RotateKey => "key rotate",
        Action::RetireKey => "key retire",
        Action::RotateSecrets => "key rotate --secrets",
        Action::ReadCertificates => "cert list",
        Action::IssueCertificate => "cert issue",
        Action::RevokeCertificate => "cert revoke",
        Action::EnrolClient => "ca enrol",
        Action::InitAuthority => "ca init",
        Action::RenewAuthority => "ca renew",
        Action::ExportRootKey => "ca export-root-key",
        Action::RemoveRootKey => "ca export-root-key --remove",
        Action::ReadAudit => "audit list",
        Action::ReadAdministrators => "admin list",
        Action::GrantRole => "admin grant",
        Action::RevokeRole => "admin revoke",
        Action::InviteOwner => "admin invite",
        Action::DeclareFailover | Action::RepeatRevocations => "database failed-over",
    }
}

#[test]
fn every_action_has_a_command() {
    for action in Action::ALL {
        let mut found = &Cli::command();
        for word in command(*action).split(' ') {
            if let Some(option) = word.strip_prefix("--") {
                assert!(
                    found.get_arguments().any(|arg| arg.get_long() == Some(option)),
                    "{action}"
                );
            } else {
                let names: Vec<_> = found.get_subcommands().map(|one| one.get_name()).collect();
                assert!(names.contains(&word), "{action}: {word} is not among {names:?}");
                found = found.find_subcommand(word).unwrap();
            }
        }
    }
}

/// What neither API nor console offers: the built-in CA and the server secrets are managed on the command line.
const COMMAND_LINE_ONLY: [Action; 5] = [
    Action::RotateSecrets,
    Action::IssueCertificate,
    Action::EnrolClient,
    Action::InitAuthority,
    Action::RenewAuthority,
];

/// What the console shows on the page of a user, to those who may see it.
const PART_OF_A_PAGE: [Action; 1] = [Action::ReadSessions];

#[test]
fn the_api_and_the_console_offer_what_anybody_may_do_with_a_role() {
    let names = |actions: &mut dyn Iterator<Item = Action>| -> BTreeSet<&'static str> {
        actions.map(Action::as_str).collect()
    };
    let mut permitted = Action::ALL.iter().copied().filter(|action| action.permission().is_some());
    let permitted = names(&mut permitted);
    let without = |all: &BTreeSet<&'static str>, some: &[Action]| {
        let some: Vec<_> = some.iter().map(|action| action.as_str()).collect();
        all.iter().copied().filter(|name| !some.contains(name)).collect::<BTreeSet<_>>()
    };

    let api = gatewright::api::endpoints();
    let api = names(&mut api.iter().filter_map(|endpoint| match endpoint.access {
        Access::Action(action) => Some(action),
        Access::Administrators => None,
    }));
    let console = gatewright::console::actions();
    let console = console.iter().flat_map(|(_, actions)| actions);
    let console = names(&mut console.map(|(_, action)| *action));

    let expected = without(&permitted, &COMMAND_LINE_ONLY);
    assert_eq!(api, expected);
    assert_eq!(console, without(&expected, &PART_OF_A_PAGE));
}
