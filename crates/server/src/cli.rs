//! The command line: what `frontdesk` can do, and how it ends. Results go to standard output, everything else to standard
//! error; 2 is a wrong setting or argument, 1 anything else that failed.

mod backup;
mod check;
mod open;
mod restore;
mod serve;
mod token;
mod transfer;
mod users;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::{
    config::{Config, ConfigError, Secret, Settings},
    data::DataError,
    http::openapi,
};

/// Real-time support chat that a company runs itself.
#[derive(Parser)]
#[command(name = "frontdesk", version, about, after_help = "Start with: frontdesk serve --demo")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<Settings>),
    /// Make and change accounts
    #[command(subcommand)]
    User(users::UserCommand),
    /// Print an access token, for scripts and tests
    Token(token::TokenArgs),
    /// Read records, one JSON object a line
    Import(transfer::ImportArgs),
    /// Write everything there is, one JSON object a line
    Export(Place),
    /// Write database, attachments and secret into one file, beside a running server, too
    Backup(backup::BackupArgs),
    /// Put a backup into place of what is there; no server may be running
    Restore(restore::RestoreArgs),
    /// Look for damage in database and attachments
    Check(Place),
    /// Print the OpenAPI document
    Openapi,
}

/// Where the data lies, for everything but `serve`.
#[derive(Args, Clone)]
struct Place {
    /// Folder of database, attachments and generated secrets [default: ./data]
    #[arg(long, env = "FRONTDESK_DATA", value_name = "FOLDER")]
    data: Option<String>,
    /// A SQLite file, as sqlite:PATH [default: frontdesk.db in the data folder]
    #[arg(long, env = "FRONTDESK_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where attachments lie: a folder, or a bucket, as s3://BUCKET/PREFIX [default: attachments in the data folder]
    #[arg(long, env = "FRONTDESK_ATTACHMENTS", value_name = "PLACE")]
    attachments: Option<String>,
    /// Secret that signs access tokens; also FRONTDESK_JWT_SECRET_FILE [default: the one in the data folder]
    #[arg(long, env = "FRONTDESK_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    jwt_secret: Option<Secret>,
    /// File of settings (TOML) [default: frontdesk.toml if present]
    #[arg(long, env = "FRONTDESK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    fn load(self) -> Result<Config, ConfigError> {
        let Self { data, database_url, attachments, jwt_secret, config } = self;
        Config::load(Settings { data, database_url, attachments, jwt_secret, config, ..Settings::default() })
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Feature unification may bring in a second provider, and the library panics when it has to choose.
    if jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_err() {
        eprintln!("frontdesk: the cryptography could not be set up");
        return ExitCode::FAILURE;
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("frontdesk: {error:#}");
            exit_code(&error)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let Some(command) = cli.command else {
        return Ok(Cli::command().print_help()?);
    };
    match command {
        Command::Serve(settings) => serve::run(*settings),
        Command::User(command) => users::run(command),
        Command::Token(args) => token::run(args),
        Command::Import(args) => transfer::import(args),
        Command::Export(place) => transfer::export(place),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Check(place) => check::run(place),
        Command::Openapi => {
            print!("{}", openapi::document());
            Ok(())
        }
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    let wrong_setting = error.is::<ConfigError>() || matches!(error.downcast_ref(), Some(DataError::Refused(_)));
    if wrong_setting { ExitCode::from(2) } else { ExitCode::FAILURE }
}
