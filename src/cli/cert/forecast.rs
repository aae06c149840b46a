//! `gatewright cert forecast`.

use clap::Args;
use serde_json::{Value, json};

use super::super::desk::Desk;
use super::super::print::Output;
use super::inventory;
use crate::pki::census::ClientForecast;
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

/// Lists the clients that stop working, with the day.
pub(super) async fn forecast(desk: &Desk, asked: &Forecast) -> anyhow::Result<Output> {
    let inventory = inventory(desk);
    let census = inventory.census().await?;
    let horizon = census.now() + Seconds::days(asked.days);
    let is_asked = |forecast: &ClientForecast<'_>| {
        asked.all && forecast.last.is_none()
            || (asked.all || !forecast.renews)
                && forecast.stops_at().is_some_and(|at| at <= horizon)
    };
    let found: Vec<_> = census.forecasts().into_iter().filter(is_asked).collect();
    let rows: Vec<_> = found.iter().map(row).collect();
    let headings = ["DAY", "CLIENT", "NAME", "LAST CERTIFICATE", "EXPIRES", ""];
    let none = format!("no client will stop working within {} days", asked.days);
    Ok(Output::table(&headings, &rows, &none, found.iter().map(in_json).collect()))
}

/// `2026-12-01`
fn day(forecast: &ClientForecast<'_>) -> Option<String> {
    let at = forecast.stops_at()?.to_string();
    Some(at.split('T').next().unwrap_or_default().to_owned())
}

fn row(forecast: &ClientForecast<'_>) -> Vec<String> {
    let remark = match (forecast.last, forecast.renews) {
        (None, _) => "no known certificate",
        (Some(_), true) => "renews automatically",
        (Some(_), false) => "",
    };
    vec![
        day(forecast).unwrap_or_default(),
        forecast.client.id.to_string(),
        forecast.client.metadata.client_name.clone(),
        forecast.last.map(|row| row.subject.clone()).unwrap_or_default(),
        forecast.stops_at().map(|at| at.to_string()).unwrap_or_default(),
        remark.to_owned(),
    ]
}

fn in_json(forecast: &ClientForecast<'_>) -> Value {
    json!({
        "day": day(forecast),
        "stops_at": forecast.stops_at(),
        "client_id": forecast.client.id,
        "client_name": forecast.client.metadata.client_name,
        "contacts": forecast.client.metadata.contacts,
        "thumbprint": forecast.last.map(|row| row.thumbprint),
        "subject": forecast.last.map(|row| row.subject.as_str()),
        "renews": forecast.renews,
    })
}
