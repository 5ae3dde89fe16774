//! `frontdesk user`: making and changing accounts, beside a running server, too.

use std::io::{self, BufRead, IsTerminal};

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use frontdesk_protocol::{
    Id, Role,
    limits::{PASSWORD_BYTES_MAX, PHONE_BYTES_MAX},
};
use frontdesk_store::{Account, AddOutcome, NewUser, Store};

use super::{Place, open::with_data};
use crate::accounts::passwords;

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Make an account; the password is read from standard input or a prompt
    Add(AddArgs),
    /// Show all accounts
    List(Place),
    /// Set a password, read from standard input or a prompt; ends the person's sessions
    Password(WhoArgs),
    /// Shut a person out; ends their sessions
    Disable(WhoArgs),
    /// Let a person in again
    Enable(WhoArgs),
    /// Make a person an admin or a user; ends their sessions
    Role(RoleArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The phone number to sign in with
    #[arg(long)]
    phone: String,
    /// The name that others see
    #[arg(long)]
    name: String,
    /// Make an admin, who answers; without it, a user, who asks
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct WhoArgs {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct RoleArgs {
    #[command(flatten)]
    who: Who,
    /// What the person may do from now on
    role: RoleName,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The person with this phone number
    #[arg(long)]
    phone: Option<String>,
    /// The person with this id
    #[arg(long)]
    id: Option<Id>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    User,
    Admin,
}

pub(super) fn run(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add(args) => add(args),
        UserCommand::List(place) => list(place),
        UserCommand::Password(args) => {
            let hash = passwords::new_hash(&read_password()?);
            change(args, "has a new password", async |store, id| store.set_password(id, hash, true).await)
        }
        UserCommand::Disable(args) => change(args, "is shut out", async |store, id| store.set_disabled(id, true).await),
        UserCommand::Enable(args) => change(args, "may sign in", async |store, id| store.set_disabled(id, false).await),
        UserCommand::Role(RoleArgs { who, role, place }) => {
            let (role, done) = match role {
                RoleName::User => (Role::User, "is a user now"),
                RoleName::Admin => (Role::Admin, "is an admin now"),
            };
            change(WhoArgs { who, place }, done, async |store, id| store.set_role(id, role).await)
        }
    }
}

/// Prints the new id, for scripts.
fn add(args: AddArgs) -> anyhow::Result<()> {
    let (phone, name) = (args.phone.trim().to_owned(), args.name.trim().to_owned());
    check("--phone", &phone, PHONE_BYTES_MAX)?;
    check("--name", &name, 200)?;
    let password_hash = Some(passwords::new_hash(&read_password()?));
    let role = if args.admin { Role::Admin } else { Role::User };
    with_data(args.place, async |opened| {
        match opened.store.add_user(NewUser { phone: phone.clone(), name, role, password_hash }).await? {
            AddOutcome::Added(id) => println!("{id}"),
            AddOutcome::PhoneTaken => bail!("--phone: {phone} has an account already; see frontdesk user list"),
        }
        Ok(())
    })
}

fn list(place: Place) -> anyhow::Result<()> {
    with_data(place, async |opened| {
        println!("ID\tPHONE\tROLE\tSTATE\tNAME");
        for account in opened.store.accounts().await? {
            let role = if account.user.role == Role::Admin { "admin" } else { "user" };
            let state = if account.disabled { "disabled" } else { "enabled" };
            println!("{}\t{}\t{role}\t{state}\t{}", account.user.id, account.phone, account.user.name);
        }
        Ok(())
    })
}

fn change(args: WhoArgs, done: &str, work: impl AsyncFnOnce(&Store, Id) -> Result<bool, frontdesk_store::Error>) -> anyhow::Result<()> {
    with_data(args.place, async |opened| {
        let account = find(&opened.store, &args.who).await?;
        work(&opened.store, account.user.id).await?;
        eprintln!("{} ({}) {done}", account.user.name, account.phone);
        Ok(())
    })
}

async fn find(store: &Store, who: &Who) -> anyhow::Result<Account> {
    let found = match (&who.phone, who.id) {
        (Some(phone), _) => store.account_by_phone(phone.trim()).await?,
        (None, Some(id)) => store.account(id).await?,
        (None, None) => None,
    };
    found.ok_or_else(|| anyhow!("there is no such account; see frontdesk user list"))
}

fn check(argument: &str, value: &str, bytes_max: usize) -> anyhow::Result<()> {
    if value.is_empty() || value.len() > bytes_max || value.chars().any(char::is_control) {
        bail!("{argument}: must have 1 to {bytes_max} bytes and no control characters");
    }
    Ok(())
}

/// One line from standard input, or asked for twice without showing it on a terminal.
fn read_password() -> anyhow::Result<String> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Again: ")? != password {
            bail!("the two passwords differ");
        }
        password
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
        bail!("the password must have 1 to {PASSWORD_BYTES_MAX} bytes; give it as a line on standard input");
    }
    Ok(password)
}
