-- What the console lists of the audit trail, newest first. The indexes are partial: what requests write all the time, such
-- as issued tokens, is in none of them.
CREATE INDEX audit_events_of_refusals ON audit_events (id) WHERE kind = 'request.refused';
CREATE INDEX audit_events_of_refusals_by_client ON audit_events (client_id, id) WHERE kind = 'request.refused';
CREATE INDEX audit_events_of_changes ON audit_events (id) WHERE actor IS NOT NULL;
CREATE INDEX audit_events_of_changes_by_client ON audit_events (client_id, id) WHERE actor IS NOT NULL;
CREATE INDEX audit_events_of_changes_by_user ON audit_events (user_id, id) WHERE actor IS NOT NULL;
