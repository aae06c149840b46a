//! The actions, and the permission that each requires.

use crate::types::administration::{Area, Level, Permission};
use crate::types::wire_enum;

wire_enum! {
    /// What administrators do.
    pub enum Action {
        /// List and show clients.
        ReadClients = "client.read",
        /// Register a client.
        CreateClient = "client.create",
        /// Change the metadata of a client.
        UpdateClient = "client.update",
        /// Issue a new client secret.
        RotateClientSecret = "client.rotate_secret",
        /// Disable a client.
        DisableClient = "client.disable",
        /// Enable a client.
        EnableClient = "client.enable",
        /// Delete a client.
        DeleteClient = "client.delete",
        /// List and show APIs.
        ReadResources = "resource.read",
        /// Register an API.
        CreateResource = "resource.create",
        /// Change an API.
        UpdateResource = "resource.update",
        /// Delete an API.
        DeleteResource = "resource.delete",
        /// List and show users.
        ReadUsers = "user.read",
        /// Create a user.
        CreateUser = "user.create",
        /// Change the names and claims of a user.
        UpdateUser = "user.update",
        /// Disable a user.
        DisableUser = "user.disable",
        /// Enable a user.
        EnableUser = "user.enable",
        /// Reset the sign-in throttling of a user.
        UnlockUser = "user.unlock",
        /// Delete a user.
        DeleteUser = "user.delete",
        /// Set the password of a user.
        SetPassword = "user.set_password",
        /// Create a link by which a user sets a new password.
        StartRecovery = "user.start_recovery",
        /// List the sessions and applications of a user.
        ReadSessions = "session.read",
        /// End a session, or all sessions of a user.
        EndSessions = "session.end",
        /// Revoke the access of an application to a user's account.
        RevokeAccess = "grant.revoke",
        /// List signing keys.
        ReadKeys = "key.read",
        /// Activate the next signing key.
        RotateKey = "key.rotate",
        /// Retire a signing key.
        RetireKey = "key.retire",
        /// Rotate the server secrets.
        RotateSecrets = "key.rotate_secrets",
        /// List and show certificates.
        ReadCertificates = "certificate.read",
        /// Issue a certificate.
        IssueCertificate = "certificate.issue",
        /// Revoke a certificate.
        RevokeCertificate = "certificate.revoke",
        /// Create an enrolment token.
        EnrolClient = "certificate.enrol",
        /// Create the built-in CA.
        InitAuthority = "authority.init",
        /// Replace the issuing CA.
        RenewAuthority = "authority.renew",
        /// Export the private key of the root CA.
        ExportRootKey = "authority.export_root_key",
        /// Delete the private key of the root CA.
        RemoveRootKey = "authority.remove_root_key",
        /// Query the audit trail.
        ReadAudit = "audit.read",
        /// List administrators.
        ReadAdministrators = "administrator.read",
        /// Give a role.
        GrantRole = "administrator.grant",
        /// Take a role away.
        RevokeRole = "administrator.revoke",
        /// Create a link to become owner.
        InviteOwner = "administrator.invite",
        /// Declare a failover.
        DeclareFailover = "database.failed_over",
        /// Repeat revocations that a failover has lost.
        RepeatRevocations = "database.repeat_revocations",
    }
}

impl Action {
    /// The permission that the action requires; `None`: only the operator at the command line performs it.
    pub const fn permission(self) -> Option<Permission> {
        use Area::{
            Administrators, Audit, Certificates, Clients, Keys, Recoveries, Resources, Sessions,
            Users,
        };
        use Level::{Read, Sensitive, Write};
        let (area, level) = match self {
            Self::ReadClients => (Clients, Read),
            Self::CreateClient | Self::UpdateClient | Self::DisableClient | Self::EnableClient => {
                (Clients, Write)
            }
            Self::RotateClientSecret | Self::DeleteClient => (Clients, Sensitive),
            Self::ReadResources => (Resources, Read),
            Self::CreateResource | Self::UpdateResource => (Resources, Write),
            Self::DeleteResource => (Resources, Sensitive),
            Self::ReadUsers => (Users, Read),
            Self::CreateUser
            | Self::UpdateUser
            | Self::DisableUser
            | Self::EnableUser
            | Self::UnlockUser => (Users, Write),
            Self::DeleteUser => (Users, Sensitive),
            Self::StartRecovery => (Recoveries, Write),
            Self::ReadSessions => (Sessions, Read),
            Self::EndSessions | Self::RevokeAccess => (Sessions, Write),
            Self::ReadKeys => (Keys, Read),
            Self::RotateKey | Self::RetireKey | Self::RotateSecrets => (Keys, Sensitive),
            Self::ReadCertificates => (Certificates, Read),
            Self::IssueCertificate
            | Self::RevokeCertificate
            | Self::EnrolClient
            | Self::InitAuthority
            | Self::RenewAuthority => (Certificates, Sensitive),
            Self::ReadAudit => (Audit, Read),
            Self::ReadAdministrators => (Administrators, Read),
            Self::GrantRole | Self::RevokeRole => (Administrators, Sensitive),
            // Another's password is set in neither console nor API: a recovery link lets them set it. The rest needs
            // the files and the database of the server.
            Self::SetPassword
            | Self::ExportRootKey
            | Self::RemoveRootKey
            | Self::InviteOwner
            | Self::DeclareFailover
            | Self::RepeatRevocations => return None,
        };
        Some(Permission { area, level })
    }

    /// Whether the action changes nothing.
    pub const fn is_read(self) -> bool {
        match self.permission() {
            Some(Permission { level, .. }) => matches!(level, Level::Read),
            None => false,
        }
    }
}
