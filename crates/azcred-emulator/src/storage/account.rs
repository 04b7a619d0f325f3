//! One storage account: its keys and its containers, read when they are first needed.

use super::{
    StorageError,
    blob::Blob,
    container::Container,
    content::Upload,
    disk::{Edit, Folder, make_private, read_json, write_json},
    keys::AccountKeys,
    names::{is_blob_name, is_container_name},
};
use std::{
    collections::BTreeMap,
    fs, io,
    ops::{Bound, ControlFlow},
    path::PathBuf,
};

const KEYS: &str = "keys.json";
/// The beginning of a container's folder: some names, such as `con`, are not a folder's on Windows.
const CONTAINER: &str = "container-";

/// One account.
pub(super) struct Account {
    folder: PathBuf,
    keys: Option<AccountKeys>,
    /// `None` until they are read.
    containers: Option<BTreeMap<String, Folder>>,
}

impl Account {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            keys: None,
            containers: None,
        }
    }

    pub(super) fn keys(&mut self) -> io::Result<&AccountKeys> {
        if self.keys.is_none() {
            let keys = match read_json(&self.folder.join(KEYS))? {
                Some(keys) => keys,
                None => self.store_keys(AccountKeys::generate()?)?,
            };
            self.keys = Some(keys);
        }
        self.keys
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn regenerate_key(&mut self, number: u8) -> io::Result<AccountKeys> {
        let keys = self.keys()?.regenerated(number)?;
        let keys = self.store_keys(keys)?;
        self.keys = Some(keys.clone());
        Ok(keys)
    }

    fn store_keys(&self, keys: AccountKeys) -> io::Result<AccountKeys> {
        make_private(&self.folder)?;
        write_json(&self.folder, KEYS, &keys)?;
        Ok(keys)
    }

    pub(super) fn create_container(&mut self, new: Container) -> Result<Container, StorageError> {
        if !is_container_name(&new.name) {
            return Err(StorageError::InvalidName(new.name));
        }
        let path = self.folder.join(format!("{CONTAINER}{}", new.name));
        let all = self.loaded()?;
        if all.contains_key(&new.name) {
            return Err(StorageError::ContainerAlreadyExists);
        }
        all.insert(new.name.clone(), Folder::make(path, new.clone())?);
        Ok(new)
    }

    pub(super) fn container(&mut self, name: &str) -> Result<&Container, StorageError> {
        Ok(&self.folder(name)?.container)
    }

    pub(super) fn containers(&mut self) -> Result<Vec<Container>, StorageError> {
        let all = self.loaded()?.values();
        Ok(all.map(|folder| folder.container.clone()).collect())
    }

    pub(super) fn edit_container<T, E: From<StorageError>>(
        &mut self,
        name: &str,
        change: impl FnOnce(&Container) -> Result<(Edit<Container>, T), E>,
    ) -> Result<T, E> {
        let folder = self.folder(name)?;
        let (edit, result) = change(&folder.container)?;
        match edit {
            Edit::Keep => {}
            Edit::Put(container) => folder
                .put_container(container)
                .map_err(StorageError::from)?,
            Edit::Remove => {
                let all = self.loaded().map_err(StorageError::from)?;
                let gone = all.remove(name);
                let removed = gone.map_or(Ok(()), Folder::remove);
                removed.map_err(StorageError::from)?;
            }
        }
        Ok(result)
    }

    pub(super) fn blob(
        &mut self,
        container: &str,
        name: &str,
    ) -> Result<Option<&Blob>, StorageError> {
        Ok(self.folder(container)?.blobs.get(name))
    }

    pub(super) fn visit_blobs(
        &mut self,
        container: &str,
        prefix: &str,
        from: &str,
        mut visit: impl FnMut(&Blob) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let first = from.max(prefix);
        let after = (Bound::Included(first), Bound::Unbounded);
        let all = self.folder(container)?.blobs.range::<str, _>(after);
        for (_, blob) in all.take_while(|(name, _)| name.starts_with(prefix)) {
            if visit(blob).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn edit_blob<T, E: From<StorageError>>(
        &mut self,
        container: &str,
        name: &str,
        change: impl FnOnce(Option<&Blob>) -> Result<(Edit<Blob>, T), E>,
    ) -> Result<T, E> {
        let folder = self.folder(container)?;
        let (edit, result) = change(folder.blobs.get(name))?;
        if !is_blob_name(name) {
            return Err(StorageError::InvalidName(name.to_owned()).into());
        }
        folder.edit(name, edit)?;
        Ok(result)
    }

    pub(super) fn upload(&mut self, container: &str) -> Result<Upload, StorageError> {
        Ok(self.folder(container)?.upload()?)
    }

    fn folder(&mut self, name: &str) -> Result<&mut Folder, StorageError> {
        let all = self.loaded()?;
        all.get_mut(name).ok_or(StorageError::ContainerNotFound)
    }

    fn loaded(&mut self) -> io::Result<&mut BTreeMap<String, Folder>> {
        if self.containers.is_none() {
            self.containers = Some(self.load()?);
        }
        self.containers
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn load(&self) -> io::Result<BTreeMap<String, Folder>> {
        let mut all = BTreeMap::new();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let is_container = entry.file_name().to_string_lossy().starts_with(CONTAINER);
            if is_container && let Some(folder) = Folder::load(entry.path())? {
                all.insert(folder.container.name.clone(), folder);
            }
        }
        Ok(all)
    }
}
