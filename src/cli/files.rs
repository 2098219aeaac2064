//! Reading and writing files so that nothing is written unless everything can be.

use loom_wasm::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An error of the operating system about a file.
pub fn failed(path: &Path, error: &std::io::Error) -> Error {
    // The operating system's sentence without Rust's number behind it.
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    Error::new(text).in_file(path.display().to_string())
}

/// Reads a file, `-` standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| failed(Path::new("<stdin>"), &e))?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|e| failed(path, &e))
}

/// Writes data to standard output.
pub fn write_stdout(data: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(data).and_then(|()| out.flush()).map_err(|e| failed(Path::new("<stdout>"), &e))
}

/// Data on its way to a place.
pub enum Sink {
    /// A temporary file in the folder of the final one.
    File(NamedTempFile, PathBuf),
    /// Standard output, or something that is no regular file (`/dev/null`, a pipe) and is written directly.
    Direct(PathBuf, Vec<u8>),
}

impl Sink {
    /// Does everything that can fail for want of space or permission, without touching the final place.
    pub fn prepare(path: &Path, data: &[u8]) -> Result<Sink, Error> {
        if path == Path::new("-") {
            return Ok(Sink::Direct(path.to_owned(), data.to_vec()));
        }
        // A link stays a link: what it points at is replaced.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let existing = std::fs::metadata(&target).ok();
        if existing.as_ref().is_some_and(|m| m.is_dir()) {
            return Err(Error::new("is a directory").in_file(path.display().to_string()));
        }
        if existing.as_ref().is_some_and(|m| !m.is_file()) {
            return Ok(Sink::Direct(path.to_owned(), data.to_vec()));
        }
        let folder = match target.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".loom-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What a plain `create` would ask for; the process's mask applies.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder).map_err(|e| failed(path, &e))?;
        file.write_all(data).and_then(|()| file.flush()).map_err(|e| failed(path, &e))?;
        if let Some(existing) = existing {
            std::fs::set_permissions(file.path(), existing.permissions()).map_err(|e| failed(path, &e))?;
        }
        Ok(Sink::File(file, target))
    }

    /// Puts the data in place.
    pub fn commit(self) -> Result<(), Error> {
        match self {
            Sink::File(file, target) => {
                file.persist(&target).map(drop).map_err(|e| failed(&target, &e.error))
            }
            Sink::Direct(path, data) if path == Path::new("-") => write_stdout(&data),
            Sink::Direct(path, data) => {
                let mut file = File::options().write(true).open(&path).map_err(|e| failed(&path, &e))?;
                file.write_all(&data).map_err(|e| failed(&path, &e))
            }
        }
    }
}
