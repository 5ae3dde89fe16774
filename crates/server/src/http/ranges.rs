//! Parts of a file, as RFC 9110 section 14 asks for them.

/// What of a file is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: nothing else was asked for, or not in a way that we serve.
    Whole,
    /// From the first to the last byte, both included.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// Nothing that the file has.
    Nothing,
}

/// Reads a `Range` header. Several ranges at once may be answered by the whole file, and are.
pub fn wanted(range: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = range.and_then(|range| range.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    match (parse(first), parse(last)) {
        (Bound::None, Bound::At(0)) => Wanted::Nothing,
        (Bound::None, Bound::At(_)) if size == 0 => Wanted::Nothing,
        (Bound::None, Bound::At(length)) => Wanted::Part { first: size.saturating_sub(length), last: size - 1 },
        (Bound::At(first), Bound::At(last)) if last < first => Wanted::Whole,
        (Bound::At(first), _) if first >= size => Wanted::Nothing,
        (Bound::At(first), Bound::At(last)) => Wanted::Part { first, last: last.min(size - 1) },
        (Bound::At(first), Bound::None) => Wanted::Part { first, last: size - 1 },
        _ => Wanted::Whole,
    }
}

enum Bound {
    None,
    At(u64),
    Wrong,
}

fn parse(text: &str) -> Bound {
    let text = text.trim();
    if text.is_empty() {
        return Bound::None;
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are past the end of any file.
    if digits { Bound::At(text.parse().unwrap_or(u64::MAX)) } else { Bound::Wrong }
}
