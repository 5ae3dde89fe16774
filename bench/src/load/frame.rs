//! Just enough WebSocket for a load generator: the request of a handshake, masked frames out, whole frames in. A frame is found in place
//! and never copied.

/// The key of every handshake: only a browser needs a fresh one.
const KEY: &str = "ZnJvbnRkZXNrIGxvYWQgMQ==";

/// What a buffer begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Not yet a whole frame.
    Part,
    /// A text and its length on the wire.
    Text(&'a [u8], usize),
    /// Wants the same bytes back.
    Ping(&'a [u8], usize),
    /// The end, with the close code if it has one.
    Close(Option<u16>),
    /// A sign of life.
    Pong(usize),
    /// Nothing that a server may send here.
    Nonsense,
}

/// The request that opens a WebSocket at `path`.
pub fn request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The status of an answer to the handshake, and where what follows begins; nothing while the answer is not whole.
pub fn answered(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let status = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0);
    Some((status, end))
}

/// Appends a masked frame whose payload `write` appends.
pub fn push(out: &mut Vec<u8>, opcode: u8, mask: [u8; 4], write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Room for the longest head that a client here needs; texts of this program stay below 64 KiB.
    out.extend_from_slice(&[0; 8]);
    write(out);
    let length = out.len() - start - 8;
    let (words, rest) = out[start + 8..].as_chunks_mut::<4>();
    words.iter_mut().for_each(|word| *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes());
    rest.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    if length < 126 {
        let head = [0x80 | opcode, 0x80 | length as u8, mask[0], mask[1], mask[2], mask[3]];
        out[start..start + 6].copy_from_slice(&head);
        out.drain(start + 6..start + 8);
    } else {
        let size = u16::try_from(length).expect("texts of this program are short").to_be_bytes();
        let head = [0x80 | opcode, 0x80 | 126, size[0], size[1], mask[0], mask[1], mask[2], mask[3]];
        out[start..start + 8].copy_from_slice(&head);
    }
}

/// The first frame of what a server sent.
pub fn next(bytes: &[u8]) -> Found<'_> {
    let [first, second, ..] = bytes else { return Found::Part };
    let (head, length) = match second & 0x7f {
        126 => match bytes.get(2..4) {
            Some(size) => (4, usize::from(u16::from_be_bytes([size[0], size[1]]))),
            None => return Found::Part,
        },
        127 => match bytes.get(2..10) {
            Some(size) => (10, u64::from_be_bytes(size.try_into().expect("eight bytes")) as usize),
            None => return Found::Part,
        },
        short => (2, usize::from(short)),
    };
    let Some(payload) = bytes.get(head..usize::saturating_add(head, length)) else { return Found::Part };
    match first {
        0x81 => Found::Text(payload, head + length),
        0x88 => Found::Close(payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]))),
        0x89 => Found::Ping(payload, head + length),
        0x8a => Found::Pong(head + length),
        _ => Found::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_pushed_is_masked_and_has_its_length() {
        for length in [0, 5, 125, 126, 4_000] {
            let (text, mut out) = (vec![b'a'; length], b"before".to_vec());
            push(&mut out, 1, [1, 2, 3, 4], |out| out.extend_from_slice(&text));
            let head = if length < 126 { 6 } else { 8 };
            assert_eq!(out.len(), b"before".len() + head + length);
            let payload = &out[b"before".len() + head..];
            assert!(payload.iter().zip([1, 2, 3, 4].iter().cycle()).all(|(byte, key)| byte ^ key == b'a'));
        }
    }

    #[test]
    fn frames_are_found_one_after_the_other_and_a_part_is_none() {
        let bytes = [0x81, 2, b'h', b'i', 0x89, 0, 0x88, 2, 0x03, 0xf4, 0x81, 126, 0];
        assert_eq!(next(&bytes), Found::Text(b"hi", 4));
        assert_eq!(next(&bytes[4..]), Found::Ping(b"", 2));
        assert_eq!(next(&bytes[6..]), Found::Close(Some(1_012)));
        assert_eq!(next(&bytes[10..]), Found::Part);
        assert_eq!(answered(b"HTTP/1.1 401 No\r\nA: b\r\n\r\nrest"), Some((401, 25)));
    }
}
