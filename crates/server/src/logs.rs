//! Logs on standard error: readable on a terminal, JSON otherwise. `FRONTDESK_LOG` says how much.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// The variable that filters logs, such as `debug` or `info,frontdesk::socket=debug`.
const VARIABLE: &str = "FRONTDESK_LOG";
const DEFAULT: &str = "info,sqlx=warn";

/// Starts logging for this process.
pub fn start() -> Result<(), ConfigError> {
    let text = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()).unwrap_or_else(|| DEFAULT.into());
    let filter =
        EnvFilter::try_new(&text).map_err(|error| ConfigError(format!("{VARIABLE}: {error}; write info or debug, for example")))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
    Ok(())
}
