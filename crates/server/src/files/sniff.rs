//! What a file is, by its first bytes. What its sender declares is never believed.

/// As much of a file's beginning as is looked at.
pub const HEAD_BYTES: usize = 8 * 1024;

const TEXT: &str = "text/plain";
const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file that begins like this.
#[must_use]
pub fn content_type(head: &[u8]) -> &'static str {
    match infer::get(head) {
        Some(kind) if kind.mime_type() != "image/gif" || is_gif(head) => kind.mime_type(),
        _ if is_text(head) => TEXT,
        _ => UNKNOWN,
    }
}

/// The pictures that browsers show and that a page may embed: all others are only downloaded.
#[must_use]
pub fn is_picture(content_type: &str) -> bool {
    matches!(content_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

/// The library looks at three letters only, and a GIF is shown, not downloaded.
fn is_gif(head: &[u8]) -> bool {
    head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")
}

/// UTF-8 without control characters but for tabs and line ends; the last character may be cut off by the end of the head.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).expect("checked up to here")
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}
