package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// callPatience bounds one call of either kind.
const callPatience = 10 * time.Second

// poster sends webhooks over one connection that is kept alive, one at a time. In production the sender is another
// machine; here it takes from the same cores as what is measured, and net/http's client would take as much as the bridge
// does. So requests are written as bytes, and net/http reads the answers.
type poster struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
}

func newPoster(ctx context.Context, addr string) (*poster, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &poster{conn: conn, answers: bufio.NewReader(conn)}, nil
}

// requestHead is everything of a request that precedes its body.
func requestHead(to []byte, bodyLength int, credentials string) []byte {
	to = append(to, "POST /webhooks/ondato HTTP/1.1\r\nHost: bridge\r\nContent-Type: application/json\r\nContent-Length: "...)
	to = strconv.AppendInt(to, int64(bodyLength), 10)
	to = append(to, "\r\n"...)
	to = append(to, credentials...)
	return append(to, "\r\n"...)
}

// accepted is what the bridge says of a webhook that is durable.
var accepted = []byte(`"result":"accepted"`)

// post sends one webhook; every answer but "accepted" is an error.
func (p *poster) post(body []byte, credentials string) error {
	p.request = append(requestHead(p.request[:0], len(body), credentials), body...)
	if err := p.conn.SetDeadline(time.Now().Add(callPatience)); err != nil {
		return err
	}
	if _, err := p.conn.Write(p.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !bytes.Contains(said, accepted) {
		return fmt.Errorf("the bridge answers %d: %s", answer.StatusCode, said)
	}
	return nil
}

func (p *poster) close() { _ = p.conn.Close() }
