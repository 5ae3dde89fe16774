//! Fuzz targets: whatever a stranger sends, the server answers as documented, applies all of it or nothing, and does not fail.
//!
//! `cargo test` drives each for a moment, over the corpus first; `FRONTDESK_FUZZ_SECONDS=600` drives it longer. An input that
//! makes a target fail is written into `corpus/` and stays there once it is mended.

mod calls;
mod desk;
mod driver;
mod files;
mod sockets;
