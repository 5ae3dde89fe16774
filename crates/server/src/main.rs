//! The binary `frontdesk`.

use std::process::ExitCode;

// Memory goes back to the system after a crowd has left; its settings are built in by `.cargo/config.toml`.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    frontdesk::cli::main()
}
