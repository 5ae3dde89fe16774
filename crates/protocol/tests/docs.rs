//! Holds `docs/protocol.md` to the code: its examples are the golden files, its lists of codes are the enums.
//!
//! `make gen` (that is `FRONTDESK_GEN=1 cargo test -p frontdesk-protocol`) writes the examples anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use frontdesk_protocol::{CloseCode, ErrorCode};
use utoipa::{
    PartialSchema,
    openapi::{RefOr, Schema},
};

const MARK: &str = "<!-- golden: ";
const MARK_END: &str = " -->\n";
const FENCE: &str = "```json\n";
const FENCE_END: &str = "```\n";

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> PathBuf {
    here().join("../../docs/protocol.md")
}

fn read_page() -> String {
    fs::read_to_string(page()).expect("docs/protocol.md can be read")
}

fn golden(name: &str) -> String {
    let file = here().join(format!("golden/{name}.json"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("docs/protocol.md shows {name}, but {}: {error}", file.display()))
}

fn golden_names() -> BTreeSet<String> {
    let files = fs::read_dir(here().join("golden")).expect("the golden files can be listed");
    let names = files.map(|file| file.expect("a golden file can be listed").file_name().into_string().expect("names are ASCII"));
    names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
}

/// The page with every example as its golden file says, and the names of the examples.
fn with_golden_examples(page: &str) -> (String, BTreeSet<String>) {
    let mut parts = page.split(MARK);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    for part in parts {
        let (name, rest) = part.split_once(MARK_END).unwrap_or_else(|| panic!("{MARK}{part}: the mark stands alone on its line"));
        let rest = rest.strip_prefix(FENCE).map_or(rest, |shown| shown.split_once(FENCE_END).expect("a fence is closed").1);
        text += &format!("{MARK}{name}{MARK_END}{FENCE}{}{FENCE_END}{rest}", golden(name));
        names.insert(name.to_owned());
    }
    (text, names)
}

#[test]
fn the_examples_are_the_golden_files_and_every_golden_file_is_shown() {
    let (text, names) = with_golden_examples(&read_page());
    if std::env::var_os("FRONTDESK_GEN").is_some() {
        // Put into place as a whole: the other tests read it at the same time.
        let aside = page().with_extension("md.new");
        fs::write(&aside, &text).expect("docs/protocol.md can be written");
        fs::rename(&aside, page()).expect("docs/protocol.md can be written");
    }
    for (written, meant) in read_page().lines().zip(text.lines()) {
        assert_eq!(written, meant, "docs/protocol.md differs from a golden file; run `make gen` and commit it");
    }
    assert!(read_page() == text, "docs/protocol.md differs from the golden files; run `make gen` and commit it");
    let absent: Vec<_> = golden_names().difference(&names).cloned().collect();
    assert!(absent.is_empty(), "docs/protocol.md does not show {absent:?}");
}

/// The rows of the first table after a heading, as cells without quotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = read_page();
    let section = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("docs/protocol.md has no {heading:?}")).1;
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
    // The head and the rule below it.
    lines.skip(2).map(cells).collect()
}

fn yes_or_no(retryable: bool) -> String {
    if retryable { "yes".into() } else { "no".into() }
}

/// Every error code in the order of the enum, as its schema lists them.
fn error_codes() -> Vec<ErrorCode> {
    let RefOr::T(Schema::Object(schema)) = ErrorCode::schema() else { panic!("error codes are strings") };
    let names = schema.enum_values.expect("error codes are a closed set");
    names.into_iter().map(|name| serde_json::from_value(name).expect("a name of an error code")).collect()
}

fn name_of(code: ErrorCode) -> String {
    serde_json::to_value(code).expect("codes are JSON").as_str().expect("codes are strings").to_owned()
}

#[test]
fn the_error_codes_are_the_enum() {
    let shown: Vec<_> = table("### Error codes").into_iter().map(|row| (row[0].clone(), row[2].clone())).collect();
    let meant: Vec<_> = error_codes().into_iter().map(|code| (name_of(code), yes_or_no(code.retryable()))).collect();
    assert_eq!(shown, meant);
}

#[test]
fn the_close_codes_are_the_enum() {
    let shown: Vec<_> = table("### Close codes").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let meant: Vec<_> = CloseCode::ALL.into_iter().map(|code| (code.code().to_string(), yes_or_no(code.retryable()))).collect();
    assert_eq!(shown, meant);
}
