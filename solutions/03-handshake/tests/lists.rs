//! The lists in `labs/03-handshake/tests/data/` are what `handshake segments` prints for the captures beside them.
//!
//! After the captures have been made anew: `WIRELAB_BLESS=1 cargo test -p handshake-solution --test lists`.
use std::path::Path;
use std::process::Command;

#[test]
fn every_capture_stands_beside_its_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs/03-handshake/tests/data");
    let mut captures: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    captures.retain(|file| file.extension().is_some_and(|ending| ending == "pcap"));
    assert!(!captures.is_empty(), "no captures in {}", folder.display());
    for capture in captures {
        let output = Command::new(env!("CARGO_BIN_EXE_handshake-solution"))
            .arg("segments")
            .arg(&capture)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", capture.display());
        let name = capture.file_name().unwrap().to_string_lossy().into_owned();
        let mut list = format!("# {name}, as `handshake segments` prints it.\n");
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            list += line.split(" # ").next().unwrap();
            list.push('\n');
        }
        let file = capture.with_extension("txt");
        if std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value != "0") {
            std::fs::write(&file, list).unwrap();
            continue;
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        let same = committed.lines().eq(list.lines());
        assert!(
            same,
            "{} is not what {name} holds: run this test with WIRELAB_BLESS=1",
            file.display()
        );
    }
}
