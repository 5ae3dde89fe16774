//! The name under which a file is shown and downloaded: only its last part, harmless, never empty.

use frontdesk_protocol::limits::FILE_NAME_BYTES_MAX;

/// What a file without a usable name is called.
const NAMELESS: &str = "file";

/// The last part of a path without control characters, at most 255 bytes.
#[must_use]
pub fn clean(declared: &str) -> String {
    let last = declared.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control() && !is_direction_override(*c)).collect();
    name = name.trim().to_owned();
    shorten(&mut name);
    if name.is_empty() || name.chars().all(|c| c == '.') { NAMELESS.into() } else { name }
}

/// These can make `evil\u{202e}gnp.exe` look like a picture.
fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Keeps the ending, by which people and systems know what a file is.
fn shorten(name: &mut String) {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return;
    }
    let ending = name.rfind('.').map(|dot| name[dot..].to_owned()).filter(|ending| ending.len() <= 16).unwrap_or_default();
    let mut end = FILE_NAME_BYTES_MAX - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push_str(&ending);
}
