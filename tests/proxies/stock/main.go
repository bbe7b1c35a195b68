// A reverse proxy as a Go program has it from its standard library, in front of the ingress. It admits /v1/ without
// /v1/hidden, and writes one line of JSON for each request. As it comes it passes Upgrade and trailers on; -strict stops both.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	clientTimeout  = 2 * time.Second
	ingressTimeout = 4 * time.Second
	noAnswer       = 0
	timedOut       = 504
)

type taken struct {
	Case    string `json:"case"`
	Ingress []int  `json:"ingress"`
}

type takenKey struct{}

// watched notes what each try brought: the ingress's status, 0 where there was none, 504 where it did not come in time.
type watched struct{ http.RoundTripper }

func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := w.RoundTripper.RoundTrip(request)
	status := noAnswer
	var fault net.Error
	if err == nil {
		status = answer.StatusCode
	} else if request.Context().Err() == nil && errors.As(err, &fault) && fault.Timeout() && !isClients(err) {
		status = timedOut
	}
	if note, ok := request.Context().Value(takenKey{}).(*taken); ok {
		note.Ingress = append(note.Ingress, status)
	}
	return answer, err
}

// isClients says whether reading the request's body failed, and not waiting for the ingress.
func isClients(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "read"
}

func admits(path string) bool {
	return strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/hidden")
}

func reverseProxy(ingress *url.URL, isStrict bool) *httputil.ReverseProxy {
	proxy := httputil.NewSingleHostReverseProxy(ingress)
	if isStrict {
		proxy = &httputil.ReverseProxy{Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(ingress)
			request.Out.Header["X-Forwarded-For"] = request.In.Header["X-Forwarded-For"]
			request.SetXForwarded()
			request.Out.Header.Del("Upgrade")
			request.Out.Header.Del("Connection")
			request.Out.Trailer = nil
		}}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.ResponseHeaderTimeout = ingressTimeout
	proxy.Transport = watched{transport}
	return proxy
}

func main() {
	to := flag.String("ingress", "", "the ingress's address, as in http://127.0.0.1:8080")
	listen := flag.String("listen", "127.0.0.1:0", "host and port")
	isStrict := flag.Bool("strict", false, "pass neither Upgrade nor trailers on")
	flag.Parse()
	ingress, err := url.Parse(*to)
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		panic(err)
	}
	proxy := reverseProxy(ingress, *isStrict)
	var lock sync.Mutex
	log := json.NewEncoder(os.Stdout)
	serve := func(writer http.ResponseWriter, request *http.Request) {
		note := &taken{Case: request.Header.Get("X-Case"), Ingress: []int{}}
		defer func() {
			lock.Lock()
			defer lock.Unlock()
			_ = log.Encode(note)
		}()
		if !admits(request.URL.Path) {
			http.Error(writer, "not here", http.StatusNotFound)
			return
		}
		proxy.ServeHTTP(writer, request.WithContext(context.WithValue(request.Context(), takenKey{}, note)))
	}
	server := &http.Server{Handler: http.HandlerFunc(serve), ReadTimeout: clientTimeout, IdleTimeout: clientTimeout}
	panic(server.Serve(listener))
}
