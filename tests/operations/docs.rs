//! The tables of the documentation are compared with the code.

use std::collections::BTreeSet;
use std::path::Path;

use gatewright::record::metrics::Expiring;
use gatewright::record::{Kind as Event, Metrics};
use gatewright::render::Kind;
use gatewright::server::routes;
use gatewright::types::{Code, Seconds};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table with this head.
fn table(name: &str, head: &str) -> Vec<Vec<String>> {
    let text = document(name);
    let rows = text.lines().skip_while(|line| *line != head).skip(2);
    let rows = rows.take_while(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The first column of a table, without its backticks.
fn first_column(name: &str, head: &str) -> BTreeSet<String> {
    table(name, head).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect()
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let documented: BTreeSet<_> = table("endpoints.md", "| path | methods | for | from |")
        .into_iter()
        .map(|row| row[..3].join(" "))
        .collect();

    let routes = routes().into_iter().map(|route| {
        let audience = match route.kind {
            Kind::Document => "everybody",
            Kind::Machine => "applications",
            Kind::Page => "people",
            Kind::File => "pages",
            Kind::Probe => "operators",
            Kind::Gateway => "gateways",
            Kind::Api | Kind::Console => "administrators",
        };
        format!("`{}` {} {audience}", route.path, route.allow())
    });

    assert_eq!(documented, routes.collect());
}

#[test]
fn every_error_is_documented_with_its_status() {
    let rows = table("endpoints.md", "| status | `error` |");

    for code in Code::ALL {
        let status = code.status().to_string();
        let word = format!("`{}`", code.as_str());
        let is_row = |row: &&Vec<String>| row[0].contains(&status) && row[1].contains(&word);
        assert!(rows.iter().any(|row| is_row(&row)), "{status} {word}");
    }
}

#[test]
fn the_catalogue_of_events_is_complete() {
    let documented = first_column("operations.md", "| kind | |");

    assert_eq!(documented, Event::ALL.iter().map(|kind| kind.as_str().to_owned()).collect());
}

#[test]
fn every_metric_is_documented_and_nothing_else() {
    let metrics = Metrics::default();
    // A metric that was never counted is not rendered.
    metrics.request_completed("/token", 200, 0.001);
    metrics.issued("client_credentials");
    metrics.refused(Code::InvalidGrant);
    metrics.sign_in("success");
    metrics.job("sweep", true);
    metrics.supervisor().run("sweep", || panic!("a defect"));
    metrics.revocation("ocsp", "good");
    metrics.failed();
    let expiring = Expiring { origin: "own", client: String::new(), subject: String::new() };
    metrics.certificates([("valid", 1)], [vec![(expiring, Seconds(1))]]);
    metrics.notice("mail", "sent");
    metrics.outbox(0, 0);
    metrics.stapling("good");
    metrics.handshake_failed("closed");
    metrics.connection_closed("head");

    let text = metrics.render(1, 1);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.map(|line| match line.split_once(' ').unwrap() {
        (name, "counter") => format!("{name}_total"),
        (name, _) => name.to_owned(),
    });

    assert_eq!(first_column("operations.md", "| metric | labels | |"), names.collect());
}

/// Every link to a file points to an existing one.
#[test]
fn every_link_to_a_file_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = [
        "README.md",
        "examples/README.md",
        "examples/recipes/README.md",
        "deploy/README.md",
        "tests/README.md",
    ]
    .map(|file| root.join(file))
    .into();
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        files.extend(Some(entry.unwrap().path()).filter(|path| path.is_file()));
    }

    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let links = text.split("](").skip(1).chain(text.split("=\"docs/").skip(1));
        for link in links {
            let link = link.split([')', '"', '#']).next().unwrap();
            let is_image = link.starts_with("images/");
            if link.is_empty() || link.contains("://") {
                continue;
            }
            let from = file.parent().unwrap();
            let target = if is_image { root.join("docs").join(link) } else { from.join(link) };
            assert!(target.exists(), "{}: {link}", file.display());
        }
    }
}
