package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	bucketSessions   = []byte("sessions")
	bucketDeliveries = []byte("deliveries")
	bucketMeta       = []byte("meta")
	keyMeta          = []byte("meta")
)

// meta is what is kept beside sessions and deliveries.
type meta struct {
	ClockOffset time.Duration `json:"clockOffset"`
	ClockScale  float64       `json:"clockScale"`
	Latest      time.Time     `json:"latest"` // the latest time ever told: the clock does not go behind it
	NextNumber  int64         `json:"nextNumber"`
	NextSeq     int64         `json:"nextSeq"`
	Generation  int64         `json:"generation"` // of tokens
}

// changes is what one commit writes.
type changes struct {
	sessions        map[string]*session
	goneSessions    map[string]bool
	deliveries      map[int64]*delivery
	goneDeliveries  map[int64]bool
	metaHasToBeKept bool
}

func newChanges() changes {
	return changes{map[string]*session{}, map[string]bool{}, map[int64]*delivery{}, map[int64]bool{}, false}
}

func (c *changes) empty() bool {
	return len(c.sessions)+len(c.goneSessions)+len(c.deliveries)+len(c.goneDeliveries) == 0 && !c.metaHasToBeKept
}

// store keeps the world in a bbolt file. It does not wait for the disk on each write (the file survives the process,
// not a power cut): a sandbox has to answer as fast as the product asks.
type store struct{ db *bbolt.DB }

func openStore(path string) (*store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("opening the database %s: another process uses it, stop that one or name another file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketSessions, bucketDeliveries, bucketMeta} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the database %s: %w", path, err), db.Close())
	}
	return &store{db}, nil
}

// load calls back for each kept session and delivery, deliveries in the order of their numbers.
func (st *store) load(onSession func(*session), onDelivery func(*delivery)) (meta, bool, error) {
	var m meta
	found := false
	err := st.db.View(func(tx *bbolt.Tx) error {
		if raw := tx.Bucket(bucketMeta).Get(keyMeta); raw != nil {
			found = true
			if err := json.Unmarshal(raw, &m); err != nil {
				return err
			}
		}
		err := tx.Bucket(bucketSessions).ForEach(func(_, raw []byte) error {
			s := new(session)
			if err := json.Unmarshal(raw, s); err != nil {
				return err
			}
			onSession(s)
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(bucketDeliveries).ForEach(func(_, raw []byte) error {
			d := new(delivery)
			if err := json.Unmarshal(raw, d); err != nil {
				return err
			}
			onDelivery(d)
			return nil
		})
	})
	if err != nil {
		return meta{}, false, fmt.Errorf("reading the database %s: %w", st.db.Path(), err)
	}
	return m, found, nil
}

func (st *store) save(c changes, m meta) error {
	err := st.db.Update(func(tx *bbolt.Tx) error {
		put := func(b *bbolt.Bucket, key []byte, v any) error {
			raw, err := json.Marshal(v)
			if err != nil {
				return err
			}
			return b.Put(key, raw)
		}
		sessions, deliveries := tx.Bucket(bucketSessions), tx.Bucket(bucketDeliveries)
		for id, s := range c.sessions {
			if err := put(sessions, []byte(id), s); err != nil {
				return err
			}
		}
		for id := range c.goneSessions {
			if err := sessions.Delete([]byte(id)); err != nil {
				return err
			}
		}
		for seq, d := range c.deliveries {
			if err := put(deliveries, seqKey(seq), d); err != nil {
				return err
			}
		}
		for seq := range c.goneDeliveries {
			if err := deliveries.Delete(seqKey(seq)); err != nil {
				return err
			}
		}
		return put(tx.Bucket(bucketMeta), keyMeta, m)
	})
	if err != nil {
		return fmt.Errorf("writing the database: %w", err)
	}
	return nil
}

func (st *store) close() error {
	if err := errors.Join(st.db.Sync(), st.db.Close()); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

func seqKey(seq int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }
