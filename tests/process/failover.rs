//! `gatewright database failed-over`: the command for an operator after a failover.

use serde_json::{Value, json};

use crate::installation::Installation;

/// DESIGN §3: a failover is declared once and recorded. Revocations of the lost period are listed from
/// the log and can be repeated.
#[tokio::test]
async fn a_failover_is_declared_and_lost_revocations_are_listed() {
    let installation = Installation::migrated().await;
    let declare = ["database", "failed-over", "--at", "2026-01-31T12:00:00Z", "--lag", "1m"];
    let line = |at_ms: i64, kind: &str, more: &Value| {
        let mut line = json!({
            "message": "taken away", "at_ms": at_ms, "kind": kind, "outcome": "success", "facts": "{}",
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line.to_string()
    };
    let at = 1_769_860_800_000;
    let log = [
        line(at - 61_000, "grant.revoked", &json!({ "grant_id": "long before" })),
        line(at - 60_000, "grant.revoked", &json!({ "grant_id": "nobody's" })),
        "Listening, in text".to_owned(),
        json!({ "message": "listening", "level": "INFO" }).to_string(),
        line(at - 1000, "token.revoked", &json!({ "client_id": "c", "facts": r#"{"jti":"j"}"# })),
        line(at, "user.disabled", &json!({ "user_id": "ada" })),
        line(at + 1000, "user.disabled", &json!({ "user_id": "later" })),
    ];
    let log = log.join("\n");

    let first = installation.json(&declare).await;
    assert_eq!(first["failed_over_at"], 1_769_860_800);
    assert_eq!(first["lost_since"], 1_769_860_740);
    let lasts = first["until"].as_i64().unwrap() - first["declared_at"].as_i64().unwrap();
    assert_eq!(lasts, 3600);
    assert!(first["lost"].is_null());
    let output = installation.run(&declare).await;
    assert!(output.stdout.contains("--log FILE"), "{output:?}");

    let listed = installation.json_with(&[&declare[..], &["--log", "-"]].concat(), &log).await;
    assert_eq!(listed["until"], first["until"], "the first declaration is kept");
    let again: Vec<_> =
        listed["lost"].as_array().unwrap().iter().map(|one| &one["again"]).collect();
    assert_eq!(again, ["--revoke", "--revoke", "gatewright user disable ada"]);
    installation.write("gatewright.log", &log);
    let revoke = ["--log", "gatewright.log", "--revoke"];
    let revoked = installation.json(&[&declare[..], &revoke].concat()).await;
    assert_eq!(revoked["revoked_again"], 2);
    let table = installation.run(&[&declare[..], &revoke].concat()).await.stdout;
    assert!(
        table.contains("REPEAT WITH") && table.contains("of which up to 1 had effect"),
        "{table}"
    );

    let events = installation.json(&["audit", "list", "--kind", "database.failed_over"]).await;
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["facts"]["at"], "2026-01-31T12:00:00Z");
    let repeated = installation.json(&["audit", "list", "--kind", "database.revoked_again"]).await;
    assert_eq!(repeated.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failover_that_has_not_happened_is_refused() {
    let installation = Installation::migrated().await;
    let failed_over = ["database", "failed-over", "--at"];
    for (at, code) in [("2096-01-31T12:00:00Z", 65), ("soon", 65)] {
        let output = installation.run(&[&failed_over[..], &[at]].concat()).await;
        assert_eq!(output.code, code, "{output:?}");
    }
    let output = installation.run(&[&failed_over[..], &["5m", "--revoke"]].concat()).await;
    assert_eq!(output.code, 2, "{output:?}");
    let output = installation.run(&[&failed_over[..], &["5m", "--log", "nowhere"]].concat()).await;
    assert_eq!(output.code, 66, "{output:?}");
}
