//! The destination of a request: [Fetch Metadata], and `Sec-Purpose` of the Fetch Standard.
//!
//! Pages are served for top-level navigation only. A foreign page that loads our pages as images, frames or prefetches
//! has no effect (THREATS EX-11).
//!
//! [Fetch Metadata]: https://www.w3.org/TR/fetch-metadata/

use super::request::Head;
use super::route::{Kind, Route};

/// The destination of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Top-level navigation. Also assumed without `Sec-Fetch-Dest`, which old browsers do not send.
    Document,
    /// A frame in another page.
    Frame,
    /// A part of a page: an image, a script, an object, or a request of a script.
    Part,
}

impl Head {
    /// The destination of the request.
    pub fn destination(&self) -> Destination {
        if !self.headers.contains_key("sec-fetch-dest") {
            return Destination::Document;
        }
        match self.text("sec-fetch-dest") {
            Some("document") => Destination::Document,
            Some("iframe" | "frame" | "fencedframe") => Destination::Frame,
            Some(_) | None => Destination::Part,
        }
    }

    /// Whether the request is a prefetch.
    fn is_prefetch(&self) -> bool {
        let purposes = [self.list("sec-purpose"), self.list("purpose"), self.list("x-moz")];
        purposes.iter().any(|purpose| purpose.contains("prefetch"))
    }

    /// Whether the route may be requested for this destination.
    pub fn is_allowed_at(&self, route: &Route) -> bool {
        if !matches!(route.kind, Kind::Page | Kind::Console) {
            return true;
        }
        match self.destination() {
            _ if self.is_prefetch() => false,
            Destination::Document => true,
            Destination::Frame => route.even_framed,
            Destination::Part => false,
        }
    }
}
