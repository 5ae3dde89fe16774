//! The pages for people say what is true now: every setting is described, every test that they name exists.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between two marks, such as backquotes.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

fn tests_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_of(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is text");
            let names = text.lines().filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next().map(str::to_owned));
            found.extend(names);
            found.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
}

/// Tests are sentences, so a name in backquotes with three words or more is one.
#[test]
fn every_test_that_a_page_names_exists() {
    let mut known = BTreeSet::new();
    tests_of(&root().join("crates"), &mut known);
    let pages = ["ARCHITECTURE.md", "docs/guarantees.md", "docs/operating.md"].map(read).join("\n");
    let is_name = |name: &&str| {
        name.matches('_').count() >= 3 && name.chars().all(|each| each == '_' || each.is_ascii_lowercase() || each.is_ascii_digit())
    };
    let named: BTreeSet<&str> = between(&pages, '`').filter(is_name).collect();
    assert!(named.len() > 20, "the pages name tests: {named:?}");
    let missing: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "no test has these names: {missing:?}");
}

#[test]
fn every_setting_and_command_is_described() {
    let help = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_frontdesk")).args(args).output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("help is UTF-8")
    };
    let page = read("docs/settings.md");
    let words = |text: String, start: &'static str| -> Vec<String> {
        let words = text.split(|each: char| !(each.is_ascii_alphanumeric() || "-_".contains(each))).filter(|word| word.starts_with(start));
        words.map(|word| format!("`{word}")).collect()
    };
    let serve = help(&["serve", "--help"]);
    let settings = [words(serve.clone(), "--"), words(serve, "FRONTDESK_")].concat();
    assert!(settings.len() > 20, "the help names the settings");
    let commands = help(&["--help"]);
    let commands = commands.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the help names the commands");
    let commands = commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let wanted = settings.into_iter().filter(|name| name != "`--help").chain(commands.map(|name| format!("`frontdesk {name}")));
    let missing: Vec<_> = wanted.filter(|name| !page.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/settings.md does not name {missing:?}");
}
