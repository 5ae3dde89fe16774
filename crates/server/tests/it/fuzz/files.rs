//! Fuzz targets for what is read from files: attachments with hostile pictures, and lines to import.

use std::time::{Duration, Instant};

use frontdesk::{
    files::{name, sniff},
    transfer,
};

use super::{
    desk::{Desk, gist},
    driver::Target,
};

#[rustfmt::skip]
const ATTACHMENTS: Target = Target {
    name: "attachments",
    words: &[
        "\u{89}PNG", "IHDR", "IDAT", "IEND", "tRNS", "GIF87a", "GIF89a", "\u{0}\u{3b}", "RIFF", "WEBPVP8 ", "VP8L", "VP8X", "ANIM", "JFIF", "Exif\0\0",
        "\u{7f}\u{7f}", "\0\0\0\0", "<svg", "<html>", "%PDF-1.7", "PK\u{3}\u{4}",
    ],
};

#[rustfmt::skip]
const IMPORT: Target = Target {
    name: "import",
    words: &[
        "{\"type\":\"user\",\"id\":1,\"phone\":\"1\",\"name\":\"A\",\"role\":\"admin\"}\n", "\n", "\"id\":", "\"seq\":", "\"room_id\":", "\"side\":", "null",
        "\"user\"", "\"admin\"", "\"disabled\":true,", "\"client_id\":", "\"read_message_id\":", "\"bytes\":", "9999-12-31T23:59:59Z",
        "-009999-01-01T00:00:00Z", "\\u0000", "pbkdf2_sha256$", "$argon2id$v=19$m=4294967295,t=1,p=1$", "11", "101", "1",
    ],
};

/// The longest that one picture may hold up a core: an upload waits for it.
const LONGEST: Duration = Duration::from_secs(10);

/// The first line is the name that its sender gave it.
#[test]
fn whatever_file_is_uploaded_it_is_kept_as_it_is_and_its_picture_made_or_not() {
    let desk = Desk::opens();
    ATTACHMENTS.run(|input| {
        let (declared, bytes) = input.split_at(input.iter().position(|&byte| byte == b'\n').unwrap_or(0));
        let (declared, bytes) = (String::from_utf8_lossy(declared), bytes.get(1..).unwrap_or_default());
        let begun = Instant::now();
        let file = desk.runtime.block_on(async {
            let mut upload = desk.app().files.begin().await.expect("there is room");
            upload.write(bytes).await.expect("it is small enough");
            upload.finish(&declared).await.expect("a picture that cannot be read is no failed upload")
        });
        assert!(begun.elapsed() < LONGEST, "it took {:?}", begun.elapsed());
        let kept = std::fs::read(desk.attachments().join(&file.key)).expect("it is in its place");
        assert_eq!(kept, bytes, "the bytes are those that were uploaded");
        assert_eq!(file.content_type, sniff::content_type(bytes));
        assert_eq!(file.thumbnail, desk.attachments().join(format!("{}.thumb", file.key)).exists());
        assert!(!file.thumbnail || sniff::is_picture(&file.content_type));
        assert_eq!(file.name, name::clean(&file.name), "a clean name stays as it is");
        assert!((1..=255).contains(&file.name.len()) && !file.name.contains(['/', '\\']) && !file.name.contains(char::is_control));
        desk.app().files.discard_soon(std::slice::from_ref(&file));
        assert_eq!(desk.files(), 0, "nothing is left");
        (file.content_type, file.width.is_some(), file.name == declared)
    });
}

async fn export(desk: &Desk) -> String {
    let mut lines = Vec::new();
    transfer::export(&desk.app().store, &desk.app().files, &mut lines).await.expect("everything can be read");
    String::from_utf8(lines).expect("lines are text")
}

/// Stores are made anew now and then, so that most inputs meet one that holds little.
#[test]
fn whatever_lines_are_imported_all_are_taken_or_none_and_an_export_brings_them_back() {
    const IMPORTS_A_STORE: usize = 50;
    let (mut desk, mut count) = (Desk::opens(), 0);
    IMPORT.run(|input| {
        count += 1;
        if usize::is_multiple_of(count, IMPORTS_A_STORE) {
            desk = Desk::opens();
        }
        desk.runtime.block_on(async {
            let (app, before) = (desk.app(), export(&desk).await);
            match transfer::import(&app.store, &app.files, input).await {
                Ok(lines) => Ok((lines, export(&desk).await == before)),
                Err(error) => {
                    assert_eq!(export(&desk).await, before, "refused, and yet something was taken: {error:#}");
                    let text = format!("{error:#}");
                    assert!(text.starts_with("line "), "a bad line is named: {text}");
                    Err(gist(&text))
                }
            }
        })
    });
    let exported = desk.runtime.block_on(export(&desk));
    let empty = Desk::opens_with("");
    let again = empty.runtime.block_on(async {
        transfer::import(&empty.app().store, &empty.app().files, exported.as_bytes()).await.expect("what was exported can be imported");
        export(&empty).await
    });
    let without_meta = |lines: &str| lines.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_meta(&again), without_meta(&exported), "nothing was lost");
}
