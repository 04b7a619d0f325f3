//! What leaves the directory.

use super::Directory;
use time::OffsetDateTime;
use uuid::Uuid;

impl Directory {
    /// Deletes an application, and its service principal in its own tenant.
    pub(crate) fn delete_application(&mut self, app_id: Uuid, now: OffsetDateTime) {
        let Some(app) = self.applications.remove(&app_id) else {
            return;
        };
        let principal = self.service_principal_of(app.home_tenant, app_id);
        if let Some(id) = principal.map(|sp| sp.id) {
            self.delete_principal(id, now);
        }
    }

    /// Deletes a service principal.
    pub(crate) fn delete_principal(&mut self, id: Uuid, _now: OffsetDateTime) {
        self.service_principals.remove(&id);
    }
}
