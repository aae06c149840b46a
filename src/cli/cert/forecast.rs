//! `gatewright cert forecast`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::admin::cert;
use crate::cli::context::Context;
use crate::cli::print::Output;
use crate::types::Seconds;

/// `gatewright cert forecast`
#[derive(Debug, Args)]
pub(in crate::cli) struct Forecast {
    /// How many days to look ahead.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(0..=36_500))]
    days: i64,
    /// Include clients that renew automatically, and clients without a known certificate.
    #[arg(long)]
    all: bool,
}

impl Forecast {
    /// Lists the clients that stop working, with the day.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        let found = cert::forecast(&call, Seconds::days(self.days), self.all).await?;
        let rows: Vec<_> = found.iter().map(cells).collect();
        let headings = ["DAY", "CLIENT", "NAME", "LAST CERTIFICATE", "EXPIRES", ""];
        let none = format!("no client will stop working within {} days", self.days);
        Ok(Output::table(&headings, &rows, &none, found.iter().map(document).collect()))
    }
}

/// `2026-12-01`
fn day(forecast: &cert::Forecast) -> Option<String> {
    let at = forecast.stops_at?.to_string();
    Some(at.split('T').next().unwrap_or_default().to_owned())
}

fn cells(forecast: &cert::Forecast) -> Vec<String> {
    let remark = match (&forecast.last, forecast.renews) {
        (None, _) => "no known certificate",
        (Some(_), true) => "renews automatically",
        (Some(_), false) => "",
    };
    vec![
        day(forecast).unwrap_or_default(),
        forecast.client.id.to_string(),
        forecast.client.metadata.client_name.clone(),
        forecast.last.as_ref().map(|(_, subject)| subject.clone()).unwrap_or_default(),
        forecast.stops_at.map(|at| at.to_string()).unwrap_or_default(),
        remark.to_owned(),
    ]
}

fn document(forecast: &cert::Forecast) -> Value {
    json!({
        "day": day(forecast),
        "stops_at": forecast.stops_at,
        "client_id": forecast.client.id,
        "client_name": forecast.client.metadata.client_name,
        "contacts": forecast.client.metadata.contacts,
        "thumbprint": forecast.last.as_ref().map(|(thumbprint, _)| thumbprint),
        "subject": forecast.last.as_ref().map(|(_, subject)| subject),
        "renews": forecast.renews,
    })
}
