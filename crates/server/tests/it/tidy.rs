//! The walls of the house: who may import what, and that every file says what it owns.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What must not be named in the files below a path, and which door to take instead.
struct Wall {
    inside: &'static [&'static str],
    never: &'static [&'static str],
    door: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        inside: &["protocol/src"],
        never: &["tokio", "axum", "sqlx", "frontdesk_store", "frontdesk"],
        door: "protocol is pure data: put I/O into the crate that needs it",
    },
    Wall { inside: &["store/src"], never: &["axum", "frontdesk"], door: "the store is asked by chat's verbs and knows nobody" },
    Wall {
        inside: &["server/src/hub"],
        never: &["frontdesk_store", "axum", "crate::chat", "crate::bus", "crate::http", "crate::socket", "crate::app"],
        door: "the hub moves bytes: read the store in chat::sync, decide in chat",
    },
    Wall {
        inside: &["server/src/bus"],
        never: &["frontdesk_store", "crate::chat", "crate::http", "crate::socket"],
        door: "the bus carries encoded envelopes to the hub: encode in chat::publish",
    },
    Wall {
        inside: &["server/src/chat"],
        never: &["axum", "crate::http", "crate::socket", "redis", "sqlx", "tungstenite"],
        door: "chat decides for both doors: decode and encode in http or socket, write SQL in the store",
    },
    Wall {
        inside: &["server/src/http"],
        never: &["frontdesk_store", "sqlx", "crate::bus", "crate::hub", "crate::socket"],
        door: "http is a door: call one verb of chat",
    },
    Wall {
        inside: &["server/src/socket"],
        never: &["frontdesk_store", "sqlx", "crate::bus", "crate::http"],
        door: "socket is a door: call one verb of chat, subscribe at the hub",
    },
    Wall { inside: &["server/src"], never: &["sqlx"], door: "only the store knows sqlx: add a method there" },
];

/// Names that a wall lets through on purpose, with the reason.
const GATES: &[(&str, &str)] = &[
    // The router hands the socket's routes to the one list of all routes.
    ("server/src/http/router.rs", "crate::socket"),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a folder").to_owned()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each file below `crates/`, by its path there, with its text.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    rust_files(&crates(), &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(crates()).expect("found below").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a source file is text"))
        })
        .collect()
}

/// The paths that the `use` lines of a file import, with nested braces spelled out.
fn imports(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let line_start = rest[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let before = rest[line_start..at].trim();
        rest = &rest[at + 4..];
        if before.is_empty() || before == "pub" || before.starts_with("pub(") {
            let end = rest.find(';').unwrap_or(rest.len());
            let compact: String = rest[..end].chars().filter(|character| !character.is_whitespace()).collect();
            spell_out("", &compact, &mut all);
        }
    }
    all
}

fn spell_out(prefix: &str, tree: &str, all: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        all.push(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut depth, mut start) = (0_i32, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if at > start {
                    spell_out(&prefix, &inner[start..at], all);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn is_below(import: &str, name: &str) -> bool {
    import.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn nobody_imports_through_a_wall() {
    let mut broken = Vec::new();
    for (file, text) in files() {
        let imports = imports(&text);
        for wall in WALLS.iter().filter(|wall| wall.inside.iter().any(|inside| file.starts_with(inside))) {
            for import in &imports {
                let name = wall.never.iter().find(|name| is_below(import, name));
                if let Some(name) = name.filter(|name| !GATES.contains(&(file.as_str(), name))) {
                    broken.push(format!("crates/{file} imports {import}, but may not name {name}: {}", wall.door));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_first_what_it_owns() {
    let silent: Vec<String> = files().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "these files do not start with //! and what they own: {silent:?}");
}

#[test]
fn no_file_grows_past_four_hundred_lines_of_code() {
    let long: Vec<String> = files()
        .into_iter()
        .filter(|(file, _)| file.contains("/src/"))
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(file, text)| format!("{file}: {}", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "split what these files own: {long:?}");
}

#[test]
fn nested_imports_are_spelled_out() {
    let text = "use crate::{\n    app::App,\n    hub::{Hub, outbox::{self, Outbox}},\n};\npub(super) use a::b;\n// because of use c::d;\n";
    assert_eq!(imports(text), ["crate::app::App", "crate::hub::Hub", "crate::hub::outbox::self", "crate::hub::outbox::Outbox", "a::b"]);
}
