//! `frontdesk token`: an access token without a session, for scripts and tests.

use anyhow::{anyhow, bail};
use clap::Args;
use frontdesk_protocol::{Id, Timestamp};

use super::{Place, open::with_data};
use crate::{accounts::tokens::Tokens, config};

#[derive(Args)]
pub(super) struct TokenArgs {
    /// Whose token
    #[arg(long, value_name = "ID")]
    user: Id,
    /// How long it is good, such as 15m, 1h or 30d
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = config::duration)]
    ttl: std::time::Duration,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: TokenArgs) -> anyhow::Result<()> {
    let TokenArgs { user, ttl, place } = args;
    with_data(place, async |opened| {
        let account =
            opened.store.account(user).await?.ok_or_else(|| anyhow!("--user: there is no account {user}; see frontdesk user list"))?;
        if account.disabled {
            bail!("--user: {} is shut out; see frontdesk user enable", account.user.name);
        }
        let secret = opened.config.jwt_secret.clone().map_or_else(|| opened.folder.jwt_secret(), Ok)?;
        // Right after its owner's sessions were ended, a token must not look as if it were older than that.
        let now = Timestamp::now().max(Timestamp::from_millis(account.tokens_after.saturating_mul(1_000)));
        let ttl_secs = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        println!("{}", Tokens::new(&secret).mint(user, None, now, ttl_secs));
        Ok(())
    })
}
