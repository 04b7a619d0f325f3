//! The archive of a release: for every system, and for `cargo binstall`.

use super::{Installed, Stage, emptied, files, program, version};
use anyhow::Result;
use flate2::{Compression, GzBuilder, read::GzDecoder};
use std::{fs, path::Path};

/// Makes the archive in the folder `out`, unpacks it and runs what it has.
pub(super) fn made(stage: &Stage, out: &Path) -> Result<()> {
    let name = format!("azcred-{}-{}", version(), stage.triple);
    let archive = out.join(format!("{name}.tar.gz"));
    packed(&stage.folder, &name, &archive)?;
    let place = emptied("dist-stage/archive")?;
    tar::Archive::new(GzDecoder::new(fs::File::open(&archive)?)).unpack(&place)?;
    let folder = place.join(name);
    let installed = Installed::at(folder.join(program()))?;
    installed.works()?;
    let completions = folder.join("completions");
    installed.completes("bash", &completions.join("azcred.bash"))?;
    installed.completes("fish", &completions.join("azcred.fish"))?;
    installed.completes("zsh", &completions.join("_azcred"))?;
    installed.has_manual(&folder.join("man"))
}

/// Packs a folder. The same files make the same archive: no owners, no time, one order.
fn packed(stage: &Path, name: &str, archive: &Path) -> Result<()> {
    let file = fs::File::create(archive)?;
    let mut tar = tar::Builder::new(GzBuilder::new().write(file, Compression::best()));
    for path in files(stage)? {
        let inside = path.strip_prefix(stage)?;
        let mut header = tar::Header::new_gnu();
        let content = fs::read(&path)?;
        header.set_size(content.len().try_into()?);
        header.set_mode(match is_program(inside) {
            true => 0o755,
            false => 0o644,
        });
        tar.append_data(
            &mut header,
            Path::new(name).join(inside),
            content.as_slice(),
        )?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

fn is_program(inside: &Path) -> bool {
    inside.parent() == Some(Path::new(""))
        && inside.file_stem().is_some_and(|stem| stem == "azcred")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_archive_in_which_only_the_program_is_executable() {
        let place = tempfile::tempdir().unwrap();
        let stage = place.path().join("stage");
        fs::create_dir_all(stage.join("man/man1")).unwrap();
        for file in ["azcred", "README.md", "man/man1/azcred.1"] {
            fs::write(stage.join(file), file).unwrap();
        }
        let archives = ["one", "two"].map(|name| {
            let archive = place.path().join(name);
            packed(&stage, "azcred-1", &archive).unwrap();
            fs::read(archive).unwrap()
        });
        assert_eq!(archives[0], archives[1]);
        let mut archive = tar::Archive::new(GzDecoder::new(archives[0].as_slice()));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        });
        assert_eq!(
            entries.collect::<Vec<_>>(),
            [
                ("azcred-1/README.md".to_owned(), 0o644),
                ("azcred-1/azcred".to_owned(), 0o755),
                ("azcred-1/man/man1/azcred.1".to_owned(), 0o644),
            ]
        );
    }
}
