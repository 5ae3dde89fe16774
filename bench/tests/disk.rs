//! The disk that fails on command, under the system's own shell: what was synced stays, what was not goes with the power.

use std::{fs, path::PathBuf, process::Command};

use frontdesk_bench::{
    disk::{Disk, Mode},
    power::{self, Cut},
};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

struct Machine {
    folder: TempDir,
    disk: Disk,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let disk = Disk::prepare(folder.path(), &folder.path().join("data")).expect("the faulty disk builds");
        Self { folder, disk }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data").canonicalize().expect("it was made")
    }

    /// Runs a script with `$D` for the folder and `$E` for one that is elsewhere; whether it did well.
    fn sh(&self, script: &str) -> bool {
        let status =
            Command::new("sh").args(["-ec", script]).env("D", self.data()).env("E", self.folder.path()).envs(self.disk.env()).status();
        status.expect("there is a shell").success()
    }

    fn set(&self, mode: Mode) {
        self.disk.set(mode, 0).expect("the disk hears");
    }

    fn cut(&self, cut: Cut) -> usize {
        power::cut(&self.disk.undo, &self.data(), cut, &mut StdRng::seed_from_u64(7)).expect("the power can be cut")
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.data().join(name)).ok()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

#[test]
fn what_was_synced_stays_and_what_was_not_is_as_before() {
    let machine = Machine::new();
    assert!(machine.sh("printf old >$D/a; printf keep >$D/b; sync $D/a $D/b $D; printf newer >$D/a; printf more >>$D/b; printf c >$D/c"));
    assert_eq!((machine.read("a"), machine.read("b"), machine.read("c")), (text("newer"), text("keepmore"), text("c")));
    assert!(machine.cut(Cut::All) > 0);
    assert_eq!((machine.read("a"), machine.read("b"), machine.read("c")), (text("old"), text("keep"), None));
    assert_eq!(machine.cut(Cut::All), 0, "what is left is durable");
}

#[test]
fn names_come_back_unless_their_folder_was_synced() {
    let machine = Machine::new();
    assert!(machine.sh("printf 1 >$D/a; printf 2 >$D/b; sync $D/a $D/b $D; mv $D/a $D/b; printf 3 >$D/c; sync $D/c; rm $D/c"));
    machine.cut(Cut::All);
    assert_eq!((machine.read("a"), machine.read("b"), machine.read("c")), (text("1"), text("2"), None));
    assert!(machine.sh("mv $D/a $D/b; sync $D"));
    machine.cut(Cut::All);
    assert_eq!((machine.read("a"), machine.read("b")), (None, text("1")));
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_the_next_one() {
    let machine = Machine::new();
    assert!(machine.sh("printf old >$D/a; sync $D/a $D"));
    machine.set(Mode::SyncFails);
    assert!(!machine.sh("printf new >$D/a; sync $D/a"), "it is told");
    machine.set(Mode::Well);
    assert!(machine.sh("sync $D/a"));
    machine.cut(Cut::All);
    assert_ne!(machine.read("a"), text("new"), "the kernel had given it up");
}

#[test]
fn what_is_written_again_after_a_failed_sync_is_durable() {
    let machine = Machine::new();
    assert!(machine.sh("printf old >$D/a; sync $D/a $D"));
    machine.set(Mode::SyncFails);
    assert!(!machine.sh("printf new | dd of=$D/a conv=notrunc status=none; sync $D/a"));
    machine.set(Mode::Well);
    assert!(machine.sh("printf new | dd of=$D/a conv=notrunc status=none; sync $D/a"));
    machine.cut(Cut::All);
    assert_eq!(machine.read("a"), text("new"));
}

#[test]
fn a_disk_that_is_full_or_broken_says_so_below_its_folder_only() {
    let machine = Machine::new();
    for mode in [Mode::Full, Mode::WriteFails] {
        machine.set(mode);
        let before = machine.disk.hits().expect("it counts");
        assert!(!machine.sh("printf a >$D/a 2>/dev/null"));
        assert!(machine.disk.hits().expect("it counts") > before);
        assert!(machine.sh("printf a >$E/elsewhere"));
    }
}

#[test]
fn a_disk_that_lies_keeps_nothing() {
    let machine = Machine::new();
    machine.set(Mode::SyncLies);
    assert!(machine.sh("printf a >$D/a; sync $D/a $D"));
    machine.cut(Cut::All);
    assert_eq!(machine.read("a"), None);
}
