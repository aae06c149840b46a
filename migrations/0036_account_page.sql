-- What the account page tells people of what happened to their account. The kinds are those of the statement that
-- asks (src/store/audit_events.rs); what every sign-in to an application writes is not among them, and costs
-- nothing here.
CREATE INDEX audit_events_of_people ON audit_events (user_id, outcome, id)
    WHERE user_id IS NOT NULL
      AND kind IN ('sign_in', 'sign_out', 'session.ended', 'consent.decided', 'consent.withdrawn',
                   'password.changed', 'user.created', 'user.updated', 'user.unlocked', 'user.disabled',
                   'user.enabled');

-- When what came of a consent was last used, as far as those grants say that are swept already: nothing is written
-- while they are used.
ALTER TABLE consents ADD COLUMN used_at BIGINT;
