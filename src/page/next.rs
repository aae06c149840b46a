//! The page that a sign-in leads to, if no application asked for it.

use crate::types::Params;

/// The longest accepted path.
const LONGEST: usize = 2048;

/// The pages that ask for a sign-in.
const PAGES: [&str; 3] = ["/admin", "/account", "/invitation"];

/// A path of this server, without the path of the issuer, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination(String);

impl Destination {
    /// The parameter `next`. Anything that is not a page of [`PAGES`] is ignored, so that no sign-in leads to another
    /// site (THREATS UI-07).
    pub(super) fn of(params: &Params) -> Option<Self> {
        let path = params.one("next").ok().flatten()?;
        let is_page = PAGES.iter().any(|page| {
            path.strip_prefix(page)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
        // Browsers resolve dot segments, encoded ones as well (WHATWG URL §4.4), and leave the page.
        let mut segments = path.split(['?', '#']).next().unwrap_or_default().split('/');
        let has_dots = segments.any(|segment| {
            matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
        });
        let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        (is_page && is_plain && !has_dots && path.len() <= LONGEST && !path.contains("//"))
            .then(|| Self(path.to_owned()))
    }

    /// The path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_pages_of_this_server_alone() {
        let of = |path: &str| {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish();
            Destination::of(&Params::parse(&query).unwrap()).is_some()
        };
        for page in
            ["/admin", "/admin/people?after=x&q=%20", "/account", "/invitation?link=gw_ln_x"]
        {
            assert!(of(page), "{page}");
        }
        for wrong in [
            "",
            "/",
            "admin",
            "//evil.example",
            "/admin//evil.example",
            "/\\evil.example",
            "/administrator",
            "https://evil.example/admin",
            "/login",
            "/admin/../authorize?client_id=x",
            "/admin/%2E%2e/authorize",
            "/admin/./x",
            "/admin/..",
            "/admin\r\nset-cookie: x",
            "/admin \u{e9}",
        ] {
            assert!(!of(wrong), "{wrong}");
        }
        assert!(!of(&format!("/admin?{}", "x".repeat(LONGEST))));
    }
}
