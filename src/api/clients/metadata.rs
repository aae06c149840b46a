//! The members of a client, for the specification: RFC 7591 §2, §3.2.1, OIDC Registration §2, and our own.

use std::borrow::Cow;

use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Schema};
use utoipa::openapi::{RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

/// The type of a member.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Flag,
    Number,
    Object,
    /// A list of texts.
    Texts,
    /// A list of objects.
    Objects,
}

use Form::{Flag, Number, Texts};

/// Metadata that administrators register.
const METADATA: &[(&str, Form, &str)] = &[
    ("client_name", Form::Text, "The name for users; `client_name#de` is that in German."),
    ("redirect_uris", Texts, "Redirect URIs, compared byte by byte."),
    ("post_logout_redirect_uris", Texts, "OIDC RP-Initiated Logout §3.1."),
    ("token_endpoint_auth_method", Form::Text, "How the client authenticates."),
    ("token_endpoint_auth_signing_alg", Form::Text, "The algorithm of its assertions."),
    ("grant_types", Texts, "The grant types that it may use."),
    ("response_types", Texts, "The response types that it may request."),
    ("application_type", Form::Text, "`web` or `native`."),
    ("client_uri", Form::Text, "Its home page."),
    ("logo_uri", Form::Text, "Its logo, which the server fetches and serves."),
    ("policy_uri", Form::Text, "Its privacy policy."),
    ("tos_uri", Form::Text, "Its terms of service."),
    ("contacts", Texts, "Mail addresses of the persons responsible."),
    ("scope", Form::Text, "The scopes that it may request, space-delimited."),
    ("jwks", Form::Object, "Its keys by value (RFC 7517 §5)."),
    ("jwks_uri", Form::Text, "The URL of its keys."),
    ("subject_type", Form::Text, "`public` or `pairwise`."),
    ("sector_identifier_uri", Form::Text, "OIDC Core §8.1."),
    ("id_token_signed_response_alg", Form::Text, "The signature algorithm of its ID tokens."),
    ("userinfo_signed_response_alg", Form::Text, "The one of its userinfo responses, if signed."),
    ("default_max_age", Number, "The `max_age` of requests without one."),
    ("require_auth_time", Flag, "Whether ID tokens must have `auth_time`."),
    ("default_acr_values", Texts, "The `acr_values` of requests without any."),
    ("software_id", Form::Text, "The identifier of its software."),
    ("software_version", Form::Text, "The version of its software."),
    ("tls_client_auth_subject_dn", Form::Text, "RFC 8705 §2.1.2."),
    ("tls_client_auth_san_dns", Form::Text, "RFC 8705 §2.1.2."),
    ("tls_client_auth_san_uri", Form::Text, "RFC 8705 §2.1.2."),
    ("tls_client_auth_san_ip", Form::Text, "RFC 8705 §2.1.2."),
    ("tls_client_auth_san_email", Form::Text, "RFC 8705 §2.1.2."),
    ("tls_client_certificate_bound_access_tokens", Flag, "RFC 8705 §3.4."),
    ("dpop_bound_access_tokens", Flag, "RFC 9449 §5.2."),
    ("gw_profile", Form::Text, "The security profile: `oauth21` or `fapi2`."),
    ("gw_require_pkce", Flag, "Whether requests without `code_challenge` are refused."),
    ("gw_require_nonce", Flag, "Whether requests without PKCE need a `nonce`."),
    ("gw_allowed_schemes", Texts, "Schemes that a native application may register."),
    ("gw_skip_consent", Flag, "A trusted client: users are not asked for consent."),
    ("gw_access_token_format", Form::Text, "`jwt` or `opaque`."),
    ("gw_access_token_lifetime", Number, "The lifetime of its access tokens in seconds."),
    ("gw_allowed_resources", Texts, "The `resource` values that it may request."),
    ("gw_resources", Texts, "The resources whose tokens it may introspect."),
    ("gw_allowed_origins", Texts, "The origins from which its scripts may call the server."),
    ("gw_assertion_audience", Form::Text, "The accepted `aud` of its assertions."),
    ("gw_shared_certificate_name", Flag, "Whether others may have its certificate name."),
];

/// Metadata whose value is one text or a list of texts.
const ONE_OR_MANY: &[(&str, &str)] = &[
    ("gw_id_token_claims", "The claims about the user in its ID tokens."),
    ("gw_default_audience", "The audience of access tokens for requests without `resource`."),
];

/// Members that the server adds.
const ADDED: &[(&str, Form, &str)] = &[
    ("client_id", Form::Text, "The identifier."),
    ("client_id_issued_at", Number, "When it was registered, in Unix seconds."),
    ("client_secret", Form::Text, "A new secret: no other response has it."),
    ("client_secret_expires_at", Number, "When the newest secret expires; 0: never."),
    ("gw_disabled_at", Number, "Since when it is disabled, in Unix seconds."),
    ("gw_secrets", Form::Objects, "The expiry of each valid secret."),
    ("gw_note", Form::Text, "In the response to a repeated request: how to issue a new secret."),
];

/// Whether a member is metadata, in the default language or another one.
pub(super) fn is_known(name: &str) -> bool {
    let name = name.split_once('#').map_or(name, |(name, _)| name);
    METADATA.iter().any(|(known, ..)| *known == name)
        || ONE_OR_MANY.iter().any(|(known, _)| *known == name)
}

fn schema_of(form: Form, text: &str) -> Schema {
    let plain = |of| ObjectBuilder::new().schema_type(of);
    let list = |of| {
        ArrayBuilder::new().items(Object::with_type(of)).description(Some(text)).build().into()
    };
    match form {
        Form::Text => plain(Type::String).description(Some(text)).into(),
        Flag => plain(Type::Boolean).description(Some(text)).into(),
        Number => plain(Type::Integer).description(Some(text)).into(),
        Form::Object => plain(Type::Object).description(Some(text)).into(),
        Texts => list(Type::String),
        Form::Objects => list(Type::Object),
    }
}

fn metadata() -> ObjectBuilder {
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    for (name, form, text) in METADATA {
        object = object.property(*name, schema_of(*form, text));
    }
    for (name, text) in ONE_OR_MANY {
        let any = utoipa::openapi::OneOfBuilder::new()
            .item(Object::with_type(Type::String))
            .item(ArrayBuilder::new().items(Object::with_type(Type::String)))
            .description(Some(*text));
        object = object.property(*name, Schema::OneOf(any.build()));
    }
    // Names and links in other languages.
    let text = RefOr::T(Schema::from(Object::with_type(Type::String)));
    object.additional_properties(Some(AdditionalProperties::RefOr(text)))
}

/// Client metadata.
#[derive(Debug)]
pub(super) struct ClientMetadata;

impl PartialSchema for ClientMetadata {
    fn schema() -> RefOr<Schema> {
        metadata().into()
    }
}

impl ToSchema for ClientMetadata {
    fn name() -> Cow<'static, str> {
        "ClientMetadata".into()
    }
}

/// A client.
#[derive(Debug)]
pub(super) struct ClientDocument;

impl PartialSchema for ClientDocument {
    fn schema() -> RefOr<Schema> {
        let mut object = metadata().required("client_id").required("client_id_issued_at");
        for (name, form, text) in ADDED {
            object = object.property(*name, schema_of(*form, text));
        }
        object.into()
    }
}

impl ToSchema for ClientDocument {
    fn name() -> Cow<'static, str> {
        "Client".into()
    }
}
