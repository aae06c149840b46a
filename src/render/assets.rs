//! The static files of the pages: embedded, with their version in the URL, cached without limit.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::IntoResponse as _;

use super::layout::Brand;
use super::{Request, Response, document};
use crate::types::Digest;

/// The files that do not depend on the configuration.
const EMBEDDED: [(&str, &str, &[u8]); 6] = [
    ("gatewright.css", CSS, include_bytes!("../../static/gatewright.css")),
    ("console.css", CSS, include_bytes!("../../static/console.css")),
    ("console.js", JAVASCRIPT, include_bytes!("../../static/console.js")),
    ("form_post.js", JAVASCRIPT, include_bytes!("../../static/form_post.js")),
    ("page.js", JAVASCRIPT, include_bytes!("../../static/page.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../static/icon.svg")),
];
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The files below `/static`, and the pictures below `/brand`.
#[derive(Debug)]
pub struct Assets {
    files: Vec<File>,
    pictures: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: &'static str,
    media_type: &'static str,
    body: Bytes,
    /// The quoted version.
    etag: String,
    href: String,
}

impl Assets {
    /// Prepares the files of a brand for an issuer with the path `base`.
    pub fn of(brand: &Brand, base: &str) -> Self {
        let files = EMBEDDED
            .into_iter()
            .map(|(name, media_type, body)| (name, media_type, Bytes::from_static(body)))
            .chain([("brand.css", CSS, Bytes::from(brand.css()))])
            .map(|(name, media_type, body)| {
                File::new(name, media_type, body, &format!("{base}/static/{name}"))
            })
            .collect();
        let pictures =
            [("logo", &brand.logo), ("logo-dark", &brand.logo_dark), ("icon", &brand.icon)]
                .into_iter()
                .filter_map(|(name, picture)| Some((name, picture.as_ref()?)))
                .map(|(name, picture)| {
                    let body = picture.bytes.clone();
                    File::new(name, picture.media_type, body, &format!("{base}/brand/{name}"))
                })
                .collect();
        Self { files, pictures }
    }

    /// The URL of a file, with its version.
    pub fn href(&self, name: &str) -> &str {
        find(&self.files, name).map_or("", |file| &file.href)
    }

    /// The URL of the logo, if there is one.
    pub fn logo(&self) -> Option<&str> {
        self.picture("logo")
    }

    /// The URL of the logo for the dark scheme, if there is one.
    pub fn logo_dark(&self) -> Option<&str> {
        self.picture("logo-dark")
    }

    /// The URL of the icon: that of the organisation, else its logo, else the default.
    pub fn icon(&self) -> &str {
        let own = self.picture("icon").or_else(|| self.logo());
        own.unwrap_or_else(|| self.href("icon.svg"))
    }

    /// The response with a file.
    pub fn serve(&self, name: &str, uri: &Uri, headers: &HeaderMap) -> Response {
        serve(find(&self.files, name), uri, headers)
    }

    fn picture(&self, name: &str) -> Option<&str> {
        find(&self.pictures, name).map(|file| file.href.as_str())
    }
}

fn find<'a>(files: &'a [File], name: &str) -> Option<&'a File> {
    files.iter().find(|file| file.name == name)
}

/// `GET /static/{name}`
pub async fn file(request: Request) -> Response {
    let head = &request.head;
    head.site.look.assets.serve(head.parameter("name"), &head.uri, &head.headers)
}

/// `GET /brand/{picture}`
pub async fn picture(request: Request) -> Response {
    let head = &request.head;
    let picture = find(&head.site.look.assets.pictures, head.parameter("picture"));
    serve(picture, &head.uri, &head.headers)
}

fn serve(file: Option<&File>, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(file) = file else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = if document::is_known(headers, &file.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.body.clone()).into_response()
    };
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(file.cache_control(uri)));
    // An SVG that is opened as a document has the origin of the server, so it must not run scripts.
    fields.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    );
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        fields.insert(ETAG, etag);
    }
    response
}

impl File {
    fn new(name: &'static str, media_type: &'static str, body: Bytes, path: &str) -> Self {
        let Digest([a, b, c, d, e, f, ..]) = Digest::of(&body);
        let version = format!("{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}");
        let (etag, href) = (format!("\"{version}\""), format!("{path}?v={version}"));
        Self { name, media_type, body, etag, href }
    }

    /// The `Cache-Control`: immutable under its own version only. During an upgrade, an old replica may receive a request for
    /// the new version, and its response must not be cached.
    fn cache_control(&self, uri: &Uri) -> &'static str {
        let version = uri.query().and_then(|query| query.strip_prefix("v="));
        if version == Some(self.etag.trim_matches('"')) {
            "public, max-age=31536000, immutable"
        } else {
            "public, no-cache"
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_NONE_MATCH;

    use super::*;
    use crate::render::layout::Look;

    fn get(look: &Look, uri: &str, known: Option<&str>) -> Response {
        let uri: Uri = uri.parse().unwrap();
        let name = uri.path().rsplit('/').next().unwrap_or_default();
        let mut headers = HeaderMap::new();
        if let Some(tag) = known {
            headers.insert(IF_NONE_MATCH, tag.parse().unwrap());
        }
        serve(find(&look.assets.files, name), &uri, &headers)
    }

    /// A brace too many or too few makes browsers ignore the rules after it.
    #[test]
    fn the_braces_of_the_style_sheets_are_balanced() {
        for (name, media_type, body) in EMBEDDED {
            if media_type != CSS {
                continue;
            }
            let mut depth: usize = 0;
            for (number, line) in String::from_utf8_lossy(body).lines().enumerate() {
                let is_outermost = line.starts_with(['.', '@', ':', '*']);
                assert!(!is_outermost || depth == 0, "{name}:{}: {line}", number + 1);
                depth += line.matches('{').count();
                depth = depth.checked_sub(line.matches('}').count()).unwrap();
            }
            assert_eq!(depth, 0, "{name}");
        }
    }

    #[test]
    fn a_file_is_immutable_under_its_version_only() {
        let look = Look::new(Brand::named("Acme"), "/id/");
        let href = look.assets.href("gatewright.css");
        assert!(href.starts_with("/id/static/gatewright.css?v="));

        let current = get(&look, href, None);
        let other = get(&look, "/static/gatewright.css?v=000000000000", None);
        let etag = current.headers()[ETAG].to_str().unwrap();
        let again = get(&look, href, Some(&format!("\"x\", W/{etag}")));

        assert_eq!(current.status(), 200);
        assert_eq!(current.headers()[CONTENT_TYPE], CSS);
        assert_eq!(current.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(other.headers()[CACHE_CONTROL], "public, no-cache");
        assert_eq!(again.status(), 304);
        assert_eq!(get(&look, "/static/../Cargo.toml", None).status(), 404);
    }
}
